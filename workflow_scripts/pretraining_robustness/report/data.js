// @ts-check
// What Python put into the page (contents.py), and small helpers.

/** @typedef {{title: string, series: string[]}} Panel */
/**
 * @typedef {object} View
 * @property {string} name
 * @property {string} title
 * @property {string} task
 * @property {Panel[]} panels
 * @property {string[]} references series whose trends are extended over every panel
 * @property {string} metric
 * @property {string} scale
 * @property {Record<string, string>} x_labels axis label by metric
 * @property {Record<string, string>} y_labels
 * @property {string} note
 * @property {string} not_run
 * @property {number} confidence
 * @property {string} interval
 * @property {Record<string, [string, string, number]>} styles colour, marker and area by series
 * @property {Record<string, Record<string, (number | null)[]>>} intervals slope, low, high by series and scale
 */
/** @typedef {{run: number[], epoch: number[], places: Record<string, any>} & Record<string, any>} Checkpoints */
/** @typedef {Record<string, any> & {stage: string, epochs: number, epoch: number[], loss: number[]}} Curve */
/**
 * @typedef {object} Contents
 * @property {{name: string, label: string, short: string}[]} metrics
 * @property {{name: string, label: string, ticks: [number, number][][]}[]} scales
 * @property {{points: number, runs: number}} fewest
 * @property {Record<string, string>} labels
 * @property {Record<string, string>} architectures
 * @property {Record<string, any[]>} runs
 * @property {Checkpoints} checkpoints
 * @property {View[]} views
 * @property {Record<string, string>} markers
 * @property {Curve[]} curves
 * @property {{scatter: any, curves: any}} charts
 */

/** An element of the page; all that are asked for exist. @param {string} id @returns {any} */
export const at = (id) => document.getElementById(id);

/** @type {Contents} */
export const D = JSON.parse(at("data").textContent);
export const CHECKPOINTS = [...D.checkpoints.run.keys()];

/** A column of the run of a checkpoint. @param {string} name @param {number} i */
export const ofRun = (name, i) => D.runs[name][D.checkpoints.run[i]];

/** The places of a column's scores on a scale; null where a score has none. @param {string} scale @param {string} column */
export const places = (scale, column) => (D.checkpoints.places[scale] ?? D.checkpoints)[column];

/** @param {string} name */
export const metricLabel = (name) => D.metrics.find((metric) => metric.name === name)?.label ?? name;

/** @param {number | null | undefined} number @param {number} digits */
export const fixed = (number, digits) =>
  number == null || !Number.isFinite(number) ? "–" : number.toFixed(digits).replace("-", "−");

/** @param {number} number @param {string} noun */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** The four lines that tell what a checkpoint is. @param {number} i */
export function described(i) {
  /** @param {string} where */
  const scores = (where) =>
    D.metrics.map(({ name, short }) => `${short} ${fixed(D.checkpoints[`${where}_${name}`][i], 4)}`).join(", ");
  return {
    who: D.labels[ofRun("series", i)],
    run: `${D.architectures[ofRun("architecture", i)]}, seed ${ofRun("seed", i)}, epoch ${D.checkpoints.epoch[i]}`,
    id: scores("id"),
    ood: scores("ood"),
  };
}

/**
 * Make an element; attributes that are false or null are left out, functions listen to the event of their name.
 * @param {string} name @param {Record<string, any>} [attributes] @param {...any} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

/** @param {string} text @param {() => void} click @param {Record<string, any>} [more] */
export const button = (text, click, more = {}) => element("button", { type: "button", click, ...more }, text);

/** Draw a chart. @param {HTMLElement} holder @param {any} chart @returns {Promise<any>} */
export const embed = (holder, chart) =>
  /** @type {any} */ (globalThis).vegaEmbed(holder, chart, { actions: false, renderer: "svg" });
