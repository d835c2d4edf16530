// What a person has chosen: the view, the scores and axes, and what is filtered out of it.

const state = {
  view: D.views[0].name,
  metric: "",
  scale: "",
  zoom: false, // axes fit what is shown, not the whole view
  trends: true,
  hidden: new Set(), // series that are switched off
  off: new Set(), // architectures that are switched off
};
const sorting = { sort: "series", down: false, page: 0 };
