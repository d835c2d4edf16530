// The charts of a view side by side, or one below the other where the window is narrow.

const LEAST_WIDTH = 240; // pixels for a chart
let charts = [];
let drawing = 0;
let drawnWidth = 0;

/** The width in pixels that charts may take: without the room for the ring around the one in focus. */
const roomForPanels = () => Math.floor(at("panels").getBoundingClientRect().width) - 10;

/** Draw the panels of a view anew, and keep the focus on a chart that had it; a later call overtakes an earlier one. */
async function drawPanels(view, trends, range, x, y) {
  const turn = ++drawing;
  drawnWidth = roomForPanels();
  const wide = Math.max(drawnWidth, LEAST_WIDTH);
  const columns = wide > 620 ? view.panels.length : 1;
  const most = columns === 1 && view.panels.length === 1 ? 620 : 460;
  const side = Math.floor(Math.min(most, wide / columns - (columns > 1 ? 16 : 0)) - PLOT.left - PLOT.right);
  const ticks = ticksWithin(range, SCALES[state.scale].ticks, 34 / side);
  const focused = charts.findIndex((chart) => chart.holder === document.activeElement);
  const made = view.panels.map((panel) => {
    const points = pointsOf(view, panel, trends, x, y);
    const title = panel.title === view.title ? "" : panel.title;
    const [xLabel, yLabel] = [view.x_labels[state.metric], view.y_labels[state.metric]];
    const words = `${panel.title}: ${count(points.length, "checkpoint")}. ${yLabel} against ${xLabel}.`;
    return {
      holder: element("div", {
        class: "chart",
        tabindex: 0,
        role: "application",
        "aria-roledescription": "scatter chart",
        "aria-label": `${words} Arrow keys go from checkpoint to checkpoint.`,
      }),
      title,
      side,
      range,
      ticks,
      points,
      lines: linesOf(view, panel, trends, range),
      xLabel,
      yLabel,
      description: words,
      pointed: null,
    };
  });
  const places = made.map((chart) => element("div", {}, chart.title && element("h3", {}, chart.title), chart.holder));
  const stage = element("div", { class: "stage" }, places);
  for (const chart of made) {
    chart.holder.style.height = `${side + PLOT.top + PLOT.bottom}px`;
    const options = { mode: "vega", actions: false, renderer: "svg", tooltip: false };
    const inside = chart.holder.appendChild(element("div", { "aria-hidden": "true" }));
    const result = await vegaEmbed(inside, scatterSpecification(chart), options);
    chart.view = result.view;
    listen(chart, openRun);
  }
  if (turn !== drawing) return made.forEach((chart) => chart.view.finalize());
  charts.forEach((chart) => chart.view.finalize());
  charts = made;
  at("tip").hidden = true;
  at("panels").replaceChildren(stage);
  if (focused >= 0) charts[Math.min(focused, charts.length - 1)].holder.focus({ preventScroll: true });
  document.documentElement.dataset.drawn = turn;
}

/** The checkpoints of a panel with a place on the axes, smaller the more they are. */
function pointsOf(view, panel, trends, x, y) {
  const named = panel.series.map((name) => [name, trends[name].used]);
  const crowd = named.reduce((sum, [, used]) => sum + used.length, 0);
  const shrink = Math.min(1, Math.max(0.35, Math.sqrt(ROOMY / crowd)));
  return named.flatMap(([series, used]) => {
    const [colour, marker, area] = view.styles[series];
    return used.map((i) => ({
      i,
      series,
      x: x[i],
      y: y[i],
      colour,
      shape: D.markers[marker],
      size: 3.2 * area * shrink,
    }));
  });
}

/** The trends of a panel: over their own checkpoints, and those of the references dashed beyond them. */
function linesOf(view, panel, trends, [low, high]) {
  if (!state.trends) return [];
  const names = [...new Set([...panel.series, ...view.references])].filter((name) => trends[name]?.line);
  const piece = (series, x, x2, dashed) => {
    const { slope, intercept } = trends[series].line;
    const colour = view.styles[series][0];
    return { series, x, y: intercept + slope * x, x2, y2: intercept + slope * x2, colour, dashed };
  };
  return names.flatMap((name) => {
    const { from, to } = trends[name];
    const beyond = view.references.includes(name) ? [piece(name, low, from, true), piece(name, to, high, true)] : [];
    return [...beyond, piece(name, from, to, false)];
  });
}
