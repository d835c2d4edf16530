// What is picked out, and drawing it.

/** Checkpoints of the view by series: all of them, and those that pass the filters. */
function picked(view) {
  const all = Object.fromEntries(Object.keys(view.styles).map((name) => [name, []]));
  for (let i = 0; i < CHECKPOINTS; i++) if (taskOf(i) === view.task) all[seriesOf(i)]?.push(i);
  const passes = (name) => (state.hidden.has(name) ? [] : all[name].filter((i) => !state.off.has(architectureOf(i))));
  return { all, shown: Object.fromEntries(Object.keys(all).map((name) => [name, passes(name)])) };
}

function draw() {
  const view = VIEWS[state.view];
  const x = places(state.scale, `id_${state.metric}`);
  const y = places(state.scale, `ood_${state.metric}`);
  const { all, shown } = picked(view);
  const trends = Object.fromEntries(
    Object.entries(shown).map(([name, some]) => [name, trendOf(some, state.scale, state.metric)]),
  );
  const range = rangeFor(state.zoom ? shown : all, x, y) ?? rangeFor(all, x, y) ?? [0, 1];
  const complete = !state.off.size && state.metric === view.metric;
  at("title").textContent = view.title;
  at("note").textContent = view.note;
  at("note").hidden = !view.note;
  showSeries(at("series"), view, state.scale, trends, state.hidden, complete, switchSeries, light);
  drawPanels(view, trends, range, x, y);
  at("summary").textContent = summary(view, all, shown, trends);
  at("table").lastElementChild.replaceChildren();
  if (at("table").open) fillTable();
  rememberInAddress();
}

/** Put what is drawn into the page's address, so that it can be sent to somebody. */
function rememberInAddress() {
  const chosen = new URLSearchParams({ figure: state.view, score: state.metric, axes: state.scale });
  try {
    history.replaceState(null, "", `#${chosen}`);
  } catch {
    // A page inside another one, as in a workflow's report, may have no address of its own.
  }
}

function rangeFor(checkpoints, x, y) {
  const placed = Object.values(checkpoints)
    .flat()
    .filter((i) => x[i] != null && y[i] != null);
  return rangeOf(placed.flatMap((i) => [x[i], y[i]]));
}

/** Say what is shown and what is not. */
function summary(view, all, shown, trends) {
  const total = Object.values(all).flat().length;
  const some = Object.values(shown).flat();
  const runs = new Set(some.map((i) => D.checkpoints.run[i])).size;
  const excluded = Object.values(trends).reduce((sum, trend) => sum + trend.excluded, 0);
  const without = excluded
    ? ` Neither drawn nor fitted: ${count(excluded, "checkpoint")} with a score of 0 or 1, which ` +
      `${excluded === 1 ? "has" : "have"} no place on ${state.scale} axes.`
    : "";
  const lacking = Object.values(trends).reduce((sum, trend) => sum + trend.missing, 0);
  const missing = lacking ? ` ${count(lacking, "checkpoint")} without this score.` : "";
  const left = view.not_run ? ` ${view.not_run}` : "";
  const part = `${some.length.toLocaleString("en")} of ${count(total, "checkpoint")}`;
  return `Picked out: ${part}, of ${count(runs, "run")}.${without}${missing}${left}`;
}

function switchSeries(names, shown) {
  for (const name of names) shown ? state.hidden.delete(name) : state.hidden.add(name);
  draw();
}

function light(name) {
  for (const chart of charts) chart.view.signal("lit", name).runAsync();
}

function openRun(i) {
  showRun(at("run"), i);
}

function fillTable() {
  const checkpoints = Object.values(picked(VIEWS[state.view]).shown).flat();
  showTable(at("table").lastElementChild, checkpoints, sorting, openRun);
}

function showArchitectures() {
  const names = Object.keys(D.architectures);
  const change = (some, shown) => {
    for (const name of some) shown ? state.off.delete(name) : state.off.add(name);
    boxes.forEach((box, place) => (box.querySelector("input").checked = !state.off.has(names[place])));
    draw();
  };
  const boxes = names.map((name) => checkbox(D.architectures[name], true, (shown) => change([name], shown)));
  at("architectures").append(
    ...boxes,
    bothButtons((shown) => change(names, shown)),
  );
}

function showAbout() {
  const versions = Object.entries(D.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  at("about").lastElementChild.replaceChildren(
    element("p", {}, `Study: ${D.study}. ${count(CHECKPOINTS, "checkpoint")} of ${count(D.runs.seed.length, "run")}.`),
    element("h3", {}, "Packages"),
    element("p", {}, versions),
    element("h3", {}, "Configuration"),
    element("pre", { tabindex: 0 }, D.config),
  );
}

function start() {
  const fill = (id, choices, choose) => {
    at(id).replaceChildren(...choices.map(({ name, label }) => element("option", { value: name }, label)));
    at(id).value = state[id];
    at(id).addEventListener("change", () => {
      choose(at(id).value);
      draw();
    });
  };
  const open = (name) => {
    const { metric, scale } = VIEWS[name];
    Object.assign(state, { view: name, metric, scale, hidden: new Set() });
  };
  const chosen = new URLSearchParams(location.hash.slice(1));
  open(VIEWS[chosen.get("figure")] ? chosen.get("figure") : state.view);
  if (D.metrics.some((metric) => metric.name === chosen.get("score"))) state.metric = chosen.get("score");
  if (SCALES[chosen.get("axes")]) state.scale = chosen.get("axes");
  const name = (view) => (view.name.startsWith("all") ? view.title : `${view.title} (${view.name})`);
  fill(
    "view",
    D.views.map((view) => ({ name: view.name, label: name(view) })),
    (value) => {
      open(value);
      at("metric").value = state.metric;
      at("scale").value = state.scale;
    },
  );
  fill("metric", D.metrics, (value) => (state.metric = value));
  fill("scale", D.scales, (value) => (state.scale = value));
  for (const id of ["zoom", "trends"]) {
    at(id).checked = state[id];
    at(id).addEventListener("change", () => {
      state[id] = at(id).checked;
      draw();
    });
  }
  at("table").addEventListener("toggle", () => at("table").open && fillTable());
  showArchitectures();
  showAbout();
  draw();
  new ResizeObserver(() => roomForPanels() !== drawnWidth && draw()).observe(at("panels"));
}

start();
