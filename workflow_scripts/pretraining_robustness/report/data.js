"use strict";
// What Python put into the page, and words for it.

const D = JSON.parse(document.getElementById("data").textContent);
const SCALES = Object.fromEntries(D.scales.map((scale) => [scale.name, scale]));
const VIEWS = Object.fromEntries(D.views.map((view) => [view.name, view]));
const CHECKPOINTS = D.checkpoints.run.length;

/** The places of a column's scores on the axes of a scale; null where a score has none. */
function places(scale, column) {
  return (D.checkpoints.places[scale] ?? D.checkpoints)[column];
}

const taskOf = (i) => D.runs.task[D.checkpoints.run[i]];
const seriesOf = (i) => D.runs.series[D.checkpoints.run[i]];
const architectureOf = (i) => D.runs.architecture[D.checkpoints.run[i]];
const seedOf = (i) => D.runs.seed[D.checkpoints.run[i]];
const metricLabel = (name) => D.metrics.find((metric) => metric.name === name).label;

function fixed(number, digits) {
  return number == null || !Number.isFinite(number) ? "–" : number.toFixed(digits).replace("-", "−");
}

function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a checkpoint is, line by line: its series, its run, its scores in and out of distribution. */
function described(i) {
  const scores = (where) =>
    D.metrics.map((metric) => `${metric.short} ${fixed(D.checkpoints[`${where}_${metric.name}`][i], 4)}`).join(", ");
  return [
    D.labels[seriesOf(i)],
    `${D.architectures[architectureOf(i)]}, seed ${seedOf(i)}, epoch ${D.checkpoints.epoch[i]}`,
    `In distribution: ${scores("id")}`,
    `Out of distribution: ${scores("ood")}`,
  ];
}

const at = (id) => document.getElementById(id);

/** Make an element: attributes (false and null are left out; on... are listeners), then children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}
