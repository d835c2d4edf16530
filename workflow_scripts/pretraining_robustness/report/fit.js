// @ts-check
// Trends of what is shown, by the least squares and with the refusals of trends/fit.py, and the ticks of the axes.
import { D, places } from "./data.js";

/** @typedef {{slope: number, intercept: number, r2: number, from: number, to: number}} Line */
/** @typedef {{used: number[], missing: number, excluded: number, line: Line | null, reason: string}} Trend */

/** Fit y = intercept + slope x; the x must not all be the same. @param {number[]} x @param {number[]} y */
function leastSquares(x, y) {
  const n = x.length;
  const meanX = x.reduce((sum, value) => sum + value, 0) / n;
  const meanY = y.reduce((sum, value) => sum + value, 0) / n;
  let [xx, xy, yy, residual] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    xx += (x[i] - meanX) ** 2;
    xy += (x[i] - meanX) * (y[i] - meanY);
    yy += (y[i] - meanY) ** 2;
  }
  const slope = xy / xx;
  for (let i = 0; i < n; i++) residual += (y[i] - meanY - slope * (x[i] - meanX)) ** 2;
  return { slope, intercept: meanY - slope * meanX, r2: yy > 0 ? 1 - residual / yy : NaN };
}

/**
 * The trend of some checkpoints: `used` have a place on the axes, `excluded` have none because a score is 0 or 1,
 * `missing` lack a score; `reason` says why there is no line.
 * @param {number[]} checkpoints @param {string} scale @param {string} metric @returns {Trend}
 */
export function trendOf(checkpoints, scale, metric) {
  const columns = [`id_${metric}`, `ood_${metric}`];
  const [x, y] = columns.map((column) => places(scale, column));
  const scored = checkpoints.filter((i) => columns.every((column) => D.checkpoints[column][i] != null));
  const used = scored.filter((i) => x[i] != null && y[i] != null);
  const runs = new Set(used.map((i) => D.checkpoints.run[i])).size;
  const [missing, excluded] = [checkpoints.length - scored.length, scored.length - used.length];
  const xs = used.map((i) => x[i]);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  let reason = "";
  if (!used.length) reason = excluded ? "every score is 0 or 1" : missing ? "every score is missing" : "no checkpoints";
  else if (runs < D.fewest.runs) reason = "a single run says nothing about other runs";
  else if (used.length < D.fewest.points) reason = `fewer than ${D.fewest.points} checkpoints`;
  else if (to - from < 1e-12) reason = "all have the same in-distribution score";
  const line = reason ? null : { ...leastSquares(xs, used.map((i) => y[i])), from, to };
  return { used, missing, excluded, line, reason };
}

/** The range of places on both axes, with a margin. @param {number[]} values @returns {[number, number]} */
export function rangeOf(values) {
  if (!values.length) return [0, 1];
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const margin = Math.max(0.05 * (high - low), 0.02);
  return [low - margin, high + margin];
}

/**
 * Ticks within a range, each [score, place]: the roundest scores that keep a gap (a share of the range).
 * @param {[number, number]} range @param {[number, number][][]} levels @param {number} gap
 */
export function ticksWithin([low, high], levels, gap) {
  /** @type {[number, number][]} */
  const chosen = [];
  for (const level of levels) {
    for (const tick of level) {
      const free = chosen.every((other) => Math.abs(other[1] - tick[1]) >= gap * (high - low));
      if (tick[1] >= low && tick[1] <= high && free) chosen.push(tick);
    }
    if (chosen.length >= 4) break;
  }
  return chosen;
}
