// One chart of out-of-distribution against in-distribution scores: a Vega specification.

const PLOT = { left: 78, right: 10, top: 8, bottom: 52 };
const ROOMY = 160; // checkpoints that a chart shows at full marker size and above its lines
const MANY = 16; // more lines than these are drawn thinner

/**
 * A Vega specification.
 *
 * `chart` has side (pixels), range ([low, high] in places), ticks ([score, place]), xLabel, yLabel, description, points
 * (x, y, colour, shape, size, series) and lines (x, y, x2, y2, colour, dashed, series).
 */
function scatterSpecification(chart) {
  const label = { signal: "scores[datum.value]" };
  const axis = (orient, scale, title) => ({
    orient,
    scale,
    title: title.split(/ (?=\()/),
    values: chart.ticks.map((tick) => tick[1]),
    encode: { labels: { update: { text: label } } },
    grid: true,
    labelOverlap: false,
    aria: false,
  });
  const dim = (opacity) => ({ signal: `lit == null || lit == datum.series ? ${opacity} : 0.08` });
  const few = chart.lines.length <= MANY;
  const line = (white) => ({
    type: "rule",
    from: { data: "lines" },
    clip: true,
    aria: false,
    interactive: false,
    encode: {
      update: {
        x: { scale: "x", field: "x" },
        y: { scale: "y", field: "y" },
        x2: { scale: "x", field: "x2" },
        y2: { scale: "y", field: "y2" },
        stroke: white ? { value: "white" } : { field: "colour" },
        strokeWidth: { signal: white ? "datum.dashed ? 0 : 5" : `datum.dashed || ${!few} ? 1.4 : 2.4` },
        strokeDash: { signal: "datum.dashed ? [6, 4] : [1, 0]" },
        opacity: dim(white ? 0.8 : few ? 1 : 0.7),
      },
    },
  });
  const checkpoints = {
    type: "symbol",
    name: "checkpoints",
    from: { data: "points" },
    clip: true,
    aria: false,
    encode: {
      update: {
        x: { scale: "x", field: "x" },
        y: { scale: "y", field: "y" },
        shape: { field: "shape" },
        size: { field: "size" },
        fill: { field: "colour" },
        stroke: { value: "white" },
        strokeWidth: { value: 0.5 },
        opacity: dim(0.85),
        cursor: { value: "pointer" },
      },
    },
  };
  const trends = few ? [line(true), line(false)] : [line(false)];
  const [low, high] = chart.range;
  const at = low + 0.93 * (high - low);
  return {
    width: chart.side,
    height: chart.side,
    padding: PLOT,
    autosize: "none",
    background: "white",
    description: chart.description,
    signals: [
      { name: "lit", value: null },
      {
        name: "scores",
        value: Object.fromEntries(chart.ticks.map(([score, place]) => [String(place), String(score)])),
      },
    ],
    data: [
      { name: "points", values: chart.points },
      { name: "lines", values: chart.lines },
      { name: "pointed", values: [] },
    ],
    scales: [
      { name: "x", type: "linear", domain: chart.range, range: [0, chart.side], zero: false, nice: false },
      { name: "y", type: "linear", domain: chart.range, range: [chart.side, 0], zero: false, nice: false },
    ],
    axes: [axis("bottom", "x", chart.xLabel), axis("left", "y", chart.yLabel)],
    marks: [
      {
        type: "rule",
        aria: false,
        interactive: false,
        encode: {
          update: {
            x: { value: 0 },
            y: { value: chart.side },
            x2: { value: chart.side },
            y2: { value: 0 },
            stroke: { value: "#666" },
            strokeDash: { value: [2, 3] },
          },
        },
      },
      {
        type: "text",
        aria: false,
        interactive: false,
        encode: {
          update: {
            x: { scale: "x", value: at },
            y: { scale: "y", value: at },
            dx: { value: -2 },
            dy: { value: -8 },
            angle: { value: -45 },
            align: { value: "center" },
            text: { value: "y = x" },
            fill: { value: "#555" },
          },
        },
      },
      ...(chart.points.length > ROOMY ? [checkpoints, ...trends] : [...trends, checkpoints]),
      {
        type: "symbol",
        from: { data: "pointed" },
        aria: false,
        interactive: false,
        encode: {
          update: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            shape: { field: "shape" },
            size: { signal: "2 * datum.size" },
            fill: { field: "colour" },
            stroke: { value: "black" },
            strokeWidth: { value: 2 },
          },
        },
      },
    ],
    config: {
      axis: {
        domainColor: "#777",
        tickColor: "#777",
        gridColor: "#ebebeb",
        labelColor: "#222",
        labelFontSize: 12,
        titleColor: "#222",
        titleFontSize: 12,
        titleFontWeight: "normal",
        titleLineHeight: 15,
      },
      text: { fontSize: 12 },
    },
  };
}
