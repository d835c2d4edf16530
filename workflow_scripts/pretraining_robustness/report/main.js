// @ts-check
// What a person has chosen, the list of series, and drawing anew.
import { at, button, CHECKPOINTS, count, D, element, fixed, metricLabel, ofRun, places } from "./data.js";
import { showRun, showTable } from "./details.js";
import { rangeOf, trendOf } from "./fit.js";
import { drawn, drawPanels, light } from "./panels.js";

/** @typedef {import("./data.js").View} View */
const state = { view: D.views[0], metric: "", scale: "", zoom: false, trends: true };
/** @type {Set<string>} */
const hidden = new Set(); // series
/** @type {Set<string>} */
const off = new Set(); // architectures
/** @type {number[]} */
let shown = [];

/** @param {number} i */
const open = (i) => showRun(i, state.metric);

function draw() {
  const { view, scale, metric } = state;
  const all = CHECKPOINTS.filter((i) => ofRun("task", i) === view.task && ofRun("series", i) in view.styles);
  shown = all.filter((i) => !hidden.has(ofRun("series", i)) && !off.has(ofRun("architecture", i)));
  const named = Object.keys(view.styles).map((name) => [name, shown.filter((i) => ofRun("series", i) === name)]);
  const trends = Object.fromEntries(
    named.map(([name, some]) => [name, trendOf(/** @type {number[]} */ (some), scale, metric)]),
  );
  const [x, y] = ["id", "ood"].map((where) => places(scale, `${where}_${metric}`));
  const placed = (state.zoom && shown.length ? shown : all).filter((i) => x[i] != null && y[i] != null);
  at("title").textContent = view.title;
  at("note").textContent = view.note;
  at("note").hidden = !view.note;
  showSeries(trends);
  drawPanels(view, trends, rangeOf(placed.flatMap((i) => [x[i], y[i]])), state, open);
  at("summary").textContent = summary(all, Object.values(trends));
  at("table").lastElementChild.replaceChildren();
  if (at("table").open) showTable(shown, open);
  try {
    history.replaceState(null, "", `#${new URLSearchParams({ figure: view.name, score: metric, axes: scale })}`);
  } catch { /* a page inside another one, as in a workflow's report, may have no address of its own */ }
}

/** Say what is shown and what is not. @param {number[]} all @param {import("./fit.js").Trend[]} trends */
function summary(all, trends) {
  const [excluded, missing] = [0, 0].map((_, n) =>
    trends.reduce((sum, one) => sum + (n ? one.missing : one.excluded), 0)
  );
  const runs = new Set(shown.map((i) => D.checkpoints.run[i])).size;
  const parts = [
    `Shown: ${shown.length.toLocaleString("en")} of ${count(all.length, "checkpoint")}, from ${count(runs, "run")}.`,
  ];
  if (excluded) {
    parts.push(
      `Neither drawn nor fitted: ${
        count(excluded, "checkpoint")
      } with a score of 0 or 1, which ${state.scale} axes cannot show.`,
    );
  }
  if (missing) parts.push(`${count(missing, "checkpoint")} without this score.`);
  return [...parts, state.view.not_run].join(" ").trim();
}

/** @param {Set<string>} set @param {string[]} names @param {boolean} visible */
function turn(set, names, visible) {
  for (const name of names) visible ? set.delete(name) : set.add(name);
  draw();
}

/** A label with a box to switch something. @param {string} text @param {boolean} checked @param {(on: boolean) => void} change @param {any} [icon] */
const checkbox = (text, checked, change, icon) =>
  element(
    "label",
    { class: "check" },
    element("input", { type: "checkbox", checked, change: (/** @type {any} */ event) => change(event.target.checked) }),
    icon,
    element("span", {}, text),
  );

/** @param {Set<string>} set @param {string[]} names @param {() => void} [after] */
const bothButtons = (set, names, after = () => {}) =>
  element(
    "span",
    { class: "buttons" },
    ["All", "None"].map((text) => button(text, () => (turn(set, names, text === "All"), after()))),
  );

/** A series' marker as an image. @param {[string, string, number]} style */
function swatch([colour, marker]) {
  const holder = element("span", { class: "swatch" });
  holder.innerHTML = `<svg viewBox="-1.6 -1.6 3.2 3.2" aria-hidden="true"><path d="${
    D.markers[marker]
  }" fill="${colour}"/></svg>`;
  return holder;
}

/** The series of a view under the panels that show them, those of every panel first. @returns {[string, string[]][]} */
function groupsOf() {
  const { panels, references, styles } = state.view;
  if (panels.length === 1) return [["", Object.keys(styles)]];
  const common = Object.keys(styles).filter((name) =>
    references.includes(name) || panels.filter((panel) => panel.series.includes(name)).length > 1
  );
  /** @type {[string, string[]][]} */
  const own = panels.map((panel) => [panel.title, panel.series.filter((name) => !common.includes(name))]);
  return [["Every panel", common], ...own];
}

/** The list of series: legend, filter and table of trends in one. @param {Record<string, import("./fit.js").Trend>} trends */
function showSeries(trends) {
  const { view, scale, metric } = state;
  const complete = !off.size && metric === view.metric; // Python's intervals belong to what is shown
  const entry = (/** @type {string} */ name) => {
    const { line, used, excluded, reason } = trends[name];
    const [, low, high] = (complete && line && view.intervals[name]?.[scale]) || [];
    const numbers = line
      ? [
        fixed(line.slope, 2),
        low == null ? "–" : `${fixed(low, 2)} to ${fixed(high, 2)}`,
        fixed(line.intercept, 2),
        fixed(line.r2, 2),
      ].map((text) => element("td", {}, text))
      : element("td", { colspan: 4, class: "reason" }, hidden.has(name) ? "not shown" : `no trend: ${reason}`);
    const data = {
      "data-series": name,
      "data-slope": line?.slope,
      "data-intercept": line?.intercept,
      "data-r2": line?.r2,
      "data-used": used.length,
      "data-excluded": excluded,
    };
    const box = checkbox(
      D.labels[name],
      !hidden.has(name),
      (on) => turn(hidden, [name], on),
      swatch(view.styles[name]),
    );
    return element(
      "tbody",
      {
        ...data,
        pointerenter: () => light(name),
        pointerleave: () => light(""),
        focusin: () => light(name),
        focusout: () => light(""),
      },
      element("tr", {}, element("th", { colspan: 5, scope: "rowgroup" }, box)),
      element("tr", {}, element("td", {}, hidden.has(name) ? "" : String(used.length)), numbers),
    );
  };
  const groups = groupsOf().filter(([, names]) => names.length).map(([title, names]) => [
    title &&
    element("tbody", {}, element("tr", {}, element("th", { colspan: 5, scope: "rowgroup", class: "group" }, title))),
    names.map(entry),
  ]);
  const focused = /** @type {any} */ (document.activeElement)?.closest?.("[data-series]")?.dataset.series;
  const heads = ["Checkpoints", "Slope", "Interval", "Intercept", "R²"].map((text) =>
    element("th", { scope: "col" }, text)
  );
  const caption = element("caption", {}, "Series and their trends ", bothButtons(hidden, Object.keys(view.styles)));
  at("series").replaceChildren(
    element("table", { class: "trends" }, caption, element("thead", {}, element("tr", {}, heads)), groups),
  );
  at("trend-words").textContent = [
    `Trends are least-squares lines through all checkpoints of a series that are shown, on ${scale} axes.`,
    complete
      ? `Beside a slope: its interval (${100 * view.confidence} % ${view.interval}).`
      : `Intervals are known only for the ${metricLabel(view.metric)} of all architectures.`,
    view.references.length ? "Dashed: reference trends beyond their own checkpoints." : "",
  ].join(" ").trim();
  if (focused) {
    at("series").querySelector(`[data-series="${CSS.escape(focused)}"] input`)?.focus({ preventScroll: true });
  }
}

/** @param {View} view */
function show(view) {
  Object.assign(state, { view, metric: view.metric, scale: view.scale });
  hidden.clear();
}

function start() {
  const address = new URLSearchParams(location.hash.slice(1));
  show(D.views.find((view) => view.name === address.get("figure")) ?? D.views[0]);
  state.metric = D.metrics.find(({ name }) => name === address.get("score"))?.name ?? state.metric;
  state.scale = D.scales.find(({ name }) => name === address.get("axes"))?.name ?? state.scale;
  const form = at("controls").elements;
  const refresh = () => {
    for (const name of ["metric", "scale"]) form[name].value = state[/** @type {"metric" | "scale"} */ (name)];
  };
  const fill = (/** @type {any} */ select, /** @type {{name: string, label: string}[]} */ options) =>
    select.append(...options.map(({ name, label }) => element("option", { value: name }, label)));
  fill(
    form.view,
    D.views.map(({ name, title }) => ({ name, label: name.startsWith("all") ? title : `${title} (${name})` })),
  );
  fill(form.metric, D.metrics);
  fill(form.scale, D.scales);
  form.view.value = state.view.name;
  refresh();
  at("controls").addEventListener("change", (/** @type {any} */ event) => {
    if (event.target === form.view) show(D.views[form.view.selectedIndex]);
    else {Object.assign(state, {
        metric: form.metric.value,
        scale: form.scale.value,
        zoom: form.zoom.checked,
        trends: form.trends.checked,
      });}
    refresh();
    draw();
  });
  const networks = Object.keys(D.architectures);
  const fillArchitectures = () =>
    at("architectures").replaceChildren(
      element("legend", {}, "Architectures"),
      ...networks.map((name) => checkbox(D.architectures[name], !off.has(name), (on) => turn(off, [name], on))),
      bothButtons(off, networks, fillArchitectures),
    );
  fillArchitectures();
  at("table").addEventListener("toggle", () => at("table").open && showTable(shown, open));
  draw();
  new ResizeObserver(() => at("panels").clientWidth !== drawn.width && draw()).observe(at("panels"));
}

start();
