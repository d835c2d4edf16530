// Pointing at the checkpoints of a chart with a mouse, a finger or the keyboard.

const NEAR = 14; // pixels within which a checkpoint is pointed at

/** Place [x, y] in pixels of the page's window for a point of a chart whose holder is at `box`. */
function pixelsOf(chart, point, box = chart.holder.getBoundingClientRect()) {
  const [low, high] = chart.range;
  const share = (value) => (value - low) / (high - low);
  return [box.left + PLOT.left + share(point.x) * chart.side, box.top + PLOT.top + (1 - share(point.y)) * chart.side];
}

/** The point of a chart that is nearest to a place in the window, if one is near. */
function nearestPoint(chart, x, y) {
  let nearest = null,
    least = NEAR ** 2;
  const box = chart.holder.getBoundingClientRect();
  for (const point of chart.points) {
    const [px, py] = pixelsOf(chart, point, box);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [nearest, least] = [point, distance];
  }
  return nearest;
}

/** The point to which an arrow key leads from `point`: along its series by x, or to the nearest x in another. */
function pointAfter(chart, point, key) {
  if (!chart.points.length) return null;
  if (!point) return chart.points[0];
  const order = [...new Set(chart.points.map((other) => other.series))];
  const series = (name) => chart.points.filter((other) => other.series === name).sort((a, b) => a.x - b.x || a.i - b.i);
  const own = series(point.series),
    at = own.indexOf(point);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step) return own[Math.min(Math.max(at + step, 0), own.length - 1)];
  if (key === "Home") return own[0];
  if (key === "End") return own[own.length - 1];
  const turn = key === "ArrowDown" ? 1 : -1;
  const next = order[(order.indexOf(point.series) + turn + order.length) % order.length];
  const gap = (other) => Math.abs(other.x - point.x);
  return series(next).reduce((best, other) => (gap(other) < gap(best) ? other : best));
}

/** Mark a point of a chart and show what it is beside it; `spoken` tells it to screen readers too. */
function pointAt(chart, point, spoken) {
  chart.pointed = point;
  chart.view.data("pointed", point ? [point] : []).runAsync();
  const tip = document.getElementById("tip");
  tip.hidden = !point;
  if (!point) return;
  const lines = described(point.i);
  tip.replaceChildren(...lines.map((text, place) => element(place ? "div" : "strong", {}, text)));
  const [x, y] = pixelsOf(chart, point),
    box = tip.getBoundingClientRect();
  const left = x + 14 + box.width < document.documentElement.clientWidth ? x + 14 : x - 14 - box.width;
  tip.style.left = `${Math.max(4, left) + window.scrollX}px`;
  tip.style.top = `${Math.max(4, y - box.height - 10) + window.scrollY}px`;
  if (spoken) document.getElementById("spoken").textContent = lines.join(". ");
}

/** Let a mouse, a finger or the keyboard point at a chart's checkpoints; `open` is called with the one picked. */
function listen(chart, open) {
  const { holder } = chart;
  const near = (event) => nearestPoint(chart, event.clientX, event.clientY);
  holder.addEventListener("pointermove", (event) => {
    const point = near(event);
    if (point !== chart.pointed) pointAt(chart, point, false);
  });
  holder.addEventListener("pointerleave", () => pointAt(chart, null, false));
  holder.addEventListener("click", (event) => {
    const point = near(event);
    if (point) open(point.i);
  });
  holder.addEventListener("focus", () => {
    if (holder.matches(":focus-visible")) pointAt(chart, chart.pointed ?? pointAfter(chart, null, ""), true);
  });
  holder.addEventListener("blur", () => pointAt(chart, null, false));
  holder.addEventListener("keydown", (event) => {
    if (["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      pointAt(chart, pointAfter(chart, chart.pointed, event.key), true);
    } else if (event.key === "Escape") {
      pointAt(chart, null, false);
    } else if (["Enter", " "].includes(event.key) && chart.pointed) {
      open(chart.pointed.i);
    } else {
      return;
    }
    event.preventDefault();
  });
}
