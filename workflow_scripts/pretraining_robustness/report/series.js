// The list of series: legend, filter and table of trends in one.

/** A small picture of a series' marker. */
function swatch([colour, marker]) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({ viewBox: "-1.6 -1.6 3.2 3.2", class: "swatch", "aria-hidden": "true" })) {
    made.setAttribute(key, value);
  }
  path.setAttribute("d", D.markers[marker]);
  path.setAttribute("fill", colour);
  made.append(path);
  return made;
}

function checkbox(label, checked, change, ...before) {
  const input = element("input", { type: "checkbox", onchange: (event) => change(event.target.checked) });
  input.checked = checked;
  return element("label", { class: "check" }, input, ...before, element("span", {}, label));
}

function bothButtons(change) {
  const button = (text, value) => element("button", { type: "button", onclick: () => change(value) }, text);
  return element("span", { class: "buttons" }, button("All", true), button("None", false));
}

/** Series of a view under the panels that show them: those in every panel first. */
function groupsOf(view) {
  const shown = (name) => view.panels.filter((panel) => panel.series.includes(name) || view.references.includes(name));
  const names = Object.keys(view.styles);
  if (view.panels.length === 1) return [["", names]];
  const common = names.filter((name) => shown(name).length > 1);
  const groups = view.panels.map((panel) => [
    panel.title,
    names.filter((name) => panel.series.includes(name) && !common.includes(name)),
  ]);
  return [["Every panel", common], ...groups].filter(([, members]) => members.length);
}

/**
 * Fill `holder` with the table of series.
 *
 * `trends` maps a series to its trend (fit.js), `hidden` is the set of series that are switched off, `complete` says
 * that nothing else is filtered, so that Python's intervals belong to what is shown; `change(names, shown)`
 * switches series, `light(name)` makes one stand out.
 */
function showSeries(holder, view, scale, trends, hidden, complete, change, light) {
  const percent = `${100 * view.confidence}\u202f%`;
  const entry = (name) => {
    const trend = trends[name],
      line = trend.line,
      off = hidden.has(name);
    const interval = complete && line && view.intervals[name]?.[scale];
    const range = interval && interval[1] != null ? `${fixed(interval[1], 2)} to ${fixed(interval[2], 2)}` : "–";
    const cell = (text) => element("td", {}, text);
    const numbers = line
      ? [fixed(line.slope, 2), range, fixed(line.intercept, 2), fixed(line.r2, 2)].map(cell)
      : [element("td", { colspan: 4, class: "reason" }, off ? "not shown" : `no trend: ${trend.reason}`)];
    const box = checkbox(D.labels[name], !off, (shown) => change([name], shown), swatch(view.styles[name]));
    return element(
      "tbody",
      {
        "data-series": name,
        "data-slope": line?.slope,
        "data-intercept": line?.intercept,
        "data-r2": line?.r2,
        "data-used": trend.used.length,
        "data-excluded": trend.excluded,
        onpointerenter: () => light(name),
        onpointerleave: () => light(null),
        onfocusin: () => light(name),
        onfocusout: () => light(null),
      },
      element("tr", {}, element("th", { colspan: 5, scope: "rowgroup" }, box)),
      element("tr", {}, cell(off ? "" : String(trend.used.length)), numbers),
    );
  };
  const group = ([title, names]) => [
    title &&
      element("tbody", {}, element("tr", {}, element("th", { colspan: 5, scope: "rowgroup", class: "group" }, title))),
    names.map(entry),
  ];
  const head = ["Checkpoints", "Slope", "Interval", "Intercept", "R²"];
  const kept = document.activeElement?.closest?.("[data-series]")?.dataset.series;
  const scrolled = holder.firstElementChild?.scrollTop ?? 0;
  holder.replaceChildren(
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Series and their trends" },
      element(
        "table",
        { class: "trends" },
        element(
          "caption",
          {},
          "Series and their trends ",
          bothButtons((shown) => change(Object.keys(view.styles), shown)),
        ),
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            head.map((text) => element("th", { scope: "col" }, text)),
          ),
        ),
        groupsOf(view).map(group).flat(2),
      ),
    ),
    element("p", { class: "hint" }, trendWords(view, scale, complete, percent)),
  );
  holder.firstElementChild.scrollTop = scrolled;
  if (kept) holder.querySelector(`[data-series="${CSS.escape(kept)}"] input`)?.focus({ preventScroll: true });
}

function trendWords(view, scale, complete, percent) {
  const metric = metricLabel(view.metric);
  const intervals = complete
    ? `Beside a slope: its interval (${percent} ${view.interval}).`
    : `Intervals are known for the ${metric} of all architectures only; these trends are of what is picked out.`;
  const dashed = view.references.length ? " Dashed: the reference trends beyond their own checkpoints." : "";
  const lines = `Trends are least-squares lines of all checkpoints of a series that are shown, on ${scale} axes.`;
  return `${lines} ${intervals}${dashed}`;
}
