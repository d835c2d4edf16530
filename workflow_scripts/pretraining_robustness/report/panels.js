// @ts-check
// The charts of a view: drawing them, and going through their checkpoints with the keyboard.
import { at, D, described, element, embed, places } from "./data.js";
import { ticksWithin } from "./fit.js";

/** @typedef {import("./data.js").View} View */
/** @typedef {import("./data.js").Panel} Panel */
/** @typedef {Record<string, import("./fit.js").Trend>} Trends */
/** @typedef {{metric: string, scale: string, trends: boolean}} Choice */

const LEAST = 300; // pixels, the width of a chart
const ROOMY = 160; // checkpoints that are drawn at full size
/** @type {{view: any, points: any[]}[]} */
let charts = [];
let latest = 0;
export const drawn = { width: 0, frame: "" };

/** Let a series stand out; all are alike with "". @param {string} name */
export const light = (name) => charts.forEach(({ view }) => view.signal("lit", name).runAsync());

/** The checkpoints of a panel, smaller the more they are. @param {View} view @param {Panel} panel @param {Trends} trends @param {Choice} choice */
function pointsOf(view, panel, trends, { metric, scale }) {
  const [x, y] = ["id", "ood"].map((where) => places(scale, `${where}_${metric}`));
  const crowd = panel.series.reduce((sum, name) => sum + trends[name].used.length, 0);
  const shrink = Math.min(1, Math.max(0.35, Math.sqrt(ROOMY / crowd)));
  return panel.series.flatMap((series) => {
    const [colour, marker, area] = view.styles[series];
    const style = { series, colour, shape: D.markers[marker], size: shrink * 1.9 * area };
    return trends[series].used.map((i) => ({ i, x: x[i], y: y[i], ...style, ...described(i) }));
  });
}

/** The trends of a panel, and dashed over the whole range those of references. @param {View} view @param {Panel} panel @param {Trends} trends @param {[number, number]} range */
function linesOf(view, panel, trends, [low, high]) {
  const names = [...new Set([...view.references, ...panel.series])];
  return names.flatMap((series) => {
    const line = trends[series]?.line;
    if (!line) return [];
    /** @param {number} x @param {number} x2 @param {boolean} dashed */
    const rule = (x, x2, dashed) => ({
      ...{ x, x2, series, dashed, colour: view.styles[series][0] },
      ...{ y: line.intercept + line.slope * x, y2: line.intercept + line.slope * x2 },
    });
    const own = panel.series.includes(series) ? [rule(line.from, line.to, false)] : [];
    return view.references.includes(series) ? [rule(low, high, true), ...own] : own;
  });
}

/**
 * Draw the panels of a view and keep the focus; a later call overtakes an earlier one. Where only what is shown has
 * changed, the charts stay and get it.
 * @param {View} view @param {Trends} trends @param {[number, number]} range @param {Choice} choice @param {(i: number) => void} open
 */
export async function drawPanels(view, trends, range, choice, open) {
  const mine = ++latest;
  const stage = at("panels");
  const contents = view.panels.map((panel) => ({
    points: pointsOf(view, panel, trends, choice),
    lines: choice.trends ? linesOf(view, panel, trends, range) : [],
  }));
  drawn.width = stage.clientWidth;
  const frame = JSON.stringify([view.name, choice.metric, choice.scale, range, drawn.width]);
  if (frame === drawn.frame) {
    for (const [place, { points, lines }] of contents.entries()) {
      charts[place].points = points;
      await charts[place].view.data("points", points).data("lines", lines).runAsync();
    }
    document.documentElement.dataset.drawn = String(mine);
    return;
  }
  drawn.frame = "";
  const columns = Math.max(1, Math.min(view.panels.length, Math.floor(drawn.width / (LEAST + 16))));
  const width = Math.max(LEAST - 60, Math.floor(drawn.width / columns) - 90);
  const height = Math.round(Math.min(width, Math.max(260, 0.68 * globalThis.innerHeight)));
  const levels = D.scales.find((scale) => scale.name === choice.scale)?.ticks ?? [];
  const ticks = ticksWithin(range, levels, 36 / Math.min(width, height));
  const [low, high] = range;
  const holders = [];
  const made = [];
  for (const [place, panel] of view.panels.entries()) {
    const [x, y] = [view.x_labels[choice.metric], view.y_labels[choice.metric]];
    const label = `${panel.title}: ${y} against ${x}. Arrow keys go through the checkpoints.`;
    const chart = structuredClone(D.charts.scatter);
    for (const { encoding } of chart.layer) {
      encoding.x.title = x.split(/ (?=\()/);
      encoding.y.title = y.split(/ (?=\()/);
    }
    const scores = Object.fromEntries(ticks.map(([score, place]) => [place, String(score)]));
    const values = { low, high, ticks: ticks.map((tick) => tick[1]), scores };
    const own = chart.params.filter((/** @type {any} */ one) => !(one.name in values));
    chart.params = [...Object.entries(values).map(([name, value]) => ({ name, value })), ...own];
    chart.datasets = { ...contents[place], equal: [{ x: low, y: low, x2: high, y2: high }] };
    const inside = element("div", { "aria-hidden": "true" });
    const holder = element("div", { class: "chart", tabindex: 0, role: "application", "aria-label": label }, inside);
    const { view: drawing } = await embed(inside, { ...chart, width, height });
    made.push({ view: drawing, points: contents[place].points });
    listen(holder, made[place], open);
    holders.push(element("div", {}, panel.title !== view.title && element("h3", {}, panel.title), holder));
  }
  if (mine !== latest) return made.forEach((one) => one.view.finalize());
  const focused = [...stage.querySelectorAll(".chart")].indexOf(/** @type {any} */ (document.activeElement));
  charts.forEach((one) => one.view.finalize());
  charts = made;
  drawn.frame = frame;
  stage.replaceChildren(...holders);
  if (focused >= 0) {
    stage.querySelectorAll(".chart")[Math.min(focused, holders.length - 1)].focus({ preventScroll: true });
  }
  document.documentElement.dataset.drawn = String(mine);
}

/**
 * Open a checkpoint that is clicked; go through them with the arrow keys.
 * @param {HTMLElement} holder @param {{view: any, points: any[]}} chart @param {(i: number) => void} open
 */
function listen(holder, chart, open) {
  let [row, place] = [0, -1];
  const names = () => [...new Set(chart.points.map((point) => point.series))];
  const ofRow = () => {
    const name = names()[row];
    return chart.points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
  };
  const show = () => {
    const point = ofRow()[place];
    chart.view.signal("pointed", point?.i ?? -1).runAsync();
    const words = point && [point.who, point.run, `In distribution: ${point.id}`, `Out of distribution: ${point.ood}`];
    at("spoken").textContent = words ? `${words.join(". ")}.` : "";
  };
  chart.view.addEventListener("click", (/** @type {any} */ _, /** @type {any} */ item) => {
    const i = item?.datum?.datum?.i ?? item?.datum?.i;
    if (i != null) open(i);
  });
  holder.addEventListener("blur", () => {
    place = -1;
    show();
  });
  holder.addEventListener("keydown", (event) => {
    const last = ofRow().length - 1;
    if (event.key === "ArrowRight") place = Math.min(place + 1, last);
    else if (event.key === "ArrowLeft") place = Math.max(place - 1, 0);
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") place = last;
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const x = ofRow()[Math.max(place, 0)]?.x ?? 0;
      row = (row + (event.key === "ArrowUp" ? -1 : 1) + names().length) % Math.max(1, names().length);
      const gaps = ofRow().map((point) => Math.abs(point.x - x));
      place = gaps.indexOf(Math.min(...gaps));
    } else if (event.key === "Escape") place = -1;
    else if (event.key === "Enter" && ofRow()[place]) open(ofRow()[place].i);
    else return;
    event.preventDefault();
    show();
  });
}
