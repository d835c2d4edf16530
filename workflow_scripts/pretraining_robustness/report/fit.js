// Trends of what a person picked out: the same least squares and the same refusals as trends/fit.py.

const ENOUGH_TICKS = 4;

/** Fit y = intercept + slope x to two arrays of equal length; x must not be all the same. */
function leastSquares(x, y) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(x),
    meanY = mean(y);
  let xx = 0,
    xy = 0,
    yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - meanX,
      dy = y[i] - meanY;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xy / xx;
  let residual = 0;
  for (let i = 0; i < x.length; i++) residual += (y[i] - meanY - slope * (x[i] - meanX)) ** 2;
  return { slope, intercept: meanY - slope * meanX, r2: yy > 0 ? 1 - residual / yy : NaN };
}

/**
 * The trend of some checkpoints on a scale.
 *
 * Gives `used` (the checkpoints that have a place), `excluded` (how many have none because a score is 0 or 1),
 * `missing` (how many lack a score), and either `line` with its ends `from` and `to`, or the `reason` for having none.
 */
function trendOf(checkpoints, scale, metric) {
  const columns = [`id_${metric}`, `ood_${metric}`];
  const [x, y] = columns.map((column) => places(scale, column));
  const scored = checkpoints.filter((i) => columns.every((column) => D.checkpoints[column][i] != null));
  const used = scored.filter((i) => x[i] != null && y[i] != null);
  const runs = new Set(used.map((i) => D.checkpoints.run[i])).size;
  const missing = checkpoints.length - scored.length;
  const trend = { used, missing, excluded: scored.length - used.length, line: null, reason: "" };
  const xs = used.map((i) => x[i]);
  const from = Math.min(...xs),
    to = Math.max(...xs);
  if (!used.length)
    trend.reason = trend.excluded ? "every score is 0 or 1" : missing ? "every score is missing" : "no checkpoints";
  else if (runs < D.fewest.runs) trend.reason = "a single run says nothing about other runs";
  else if (used.length < D.fewest.points) trend.reason = `fewer than ${D.fewest.points} checkpoints`;
  else if (to - from < 1e-12) trend.reason = "all have the same in-distribution score";
  else
    Object.assign(trend, {
      line: leastSquares(
        xs,
        used.map((i) => y[i]),
      ),
      from,
      to,
    });
  return trend;
}

/** The range of some places with a margin, for both axes. */
function rangeOf(values) {
  if (!values.length) return null;
  let low = Infinity,
    high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const margin = Math.max(0.05 * (high - low), 0.02);
  return [low - margin, high + margin];
}

/** Ticks within a range of places, each [score, place]: the roundest scores that keep a gap (a share of the range). */
function ticksWithin([low, high], levels, gap) {
  const chosen = [];
  const free = (place) => chosen.every((other) => Math.abs(other[1] - place) >= gap * (high - low));
  for (const level of levels) {
    for (const tick of level) if (tick[1] >= low && tick[1] <= high && free(tick[1])) chosen.push(tick);
    if (chosen.length >= ENOUGH_TICKS) break;
  }
  return chosen.sort((a, b) => a[1] - b[1]);
}
