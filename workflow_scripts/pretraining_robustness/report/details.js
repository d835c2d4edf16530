// @ts-check
// What is read below the charts: the curves of one run, and the checkpoints shown as a table and as CSV.
import { at, button, CHECKPOINTS, count, D, described, element, embed, fixed, metricLabel, ofRun } from "./data.js";

/** The curve of a stage of a run. @param {string} stage @param {number} run */
const curveOf = (stage, run) =>
  D.curves.find(
    (curve) =>
      curve.stage === stage &&
      ["distribution", "architecture", "seed"].every((key) => curve[key] === D.runs[key][run]) &&
      (stage === "pretrain" || ["task", "method"].every((key) => curve[key] === D.runs[key][run])),
  );

/** What a stage of training cost. @param {string} stage @param {any} curve */
function costOf(stage, curve) {
  if (!curve) return "";
  /** @param {number | null} number @param {string} before @param {string} unit */
  const said = (number, before, unit) => (number == null ? "" : `${before}${number.toLocaleString("en")} ${unit}`);
  const drawn = curve.epoch.length < curve.epochs ? ` (${curve.epoch.length} of ${curve.epochs} epochs are drawn)` : "";
  const job = said(curve.job_seconds, "; the whole job took ", "s") +
    said(curve.job_max_rss_mb, " and ", "MiB of memory");
  return `${stage}: ${count(curve.epochs, "epoch")}${drawn} in ${curve.seconds.toLocaleString("en")} s${job}.`;
}

/** Show the run of a checkpoint. @param {number} i @param {string} metric */
export async function showRun(i, metric) {
  const run = D.checkpoints.run[i];
  const own = CHECKPOINTS.filter((other) => D.checkpoints.run[other] === run);
  const [before, tuned] = [curveOf("pretrain", run), curveOf("finetune", run)];
  const words = metricLabel(metric);
  /** @param {any} curve @param {string} column */
  const values = (
    curve,
    column,
  ) => (curve
    ? curve.epoch.map((/** @type {number} */ epoch, /** @type {number} */ n) => [epoch, curve[column][n]])
    : []);
  /** @param {string} where */
  const scores = (where) =>
    own.map((other) => [D.checkpoints.epoch[other], D.checkpoints[`${where}_${metric}`][other]]);
  /** @type {[string, string, [number, number | null][]][]} panel, line, (epoch, value) */
  const lines = [
    ["Pre-training: training loss", "Pre-training", values(before, "loss")],
    ["Pre-training: accuracy on held-out images", "Pre-training", values(before, "held_out_accuracy")],
    ["Fine-tuning: training loss", "Fine-tuning", values(tuned, "loss")],
    [`${words[0].toUpperCase()}${words.slice(1)} by epoch of fine-tuning`, "In distribution", scores("id")],
    [`${words[0].toUpperCase()}${words.slice(1)} by epoch of fine-tuning`, "Out of distribution", scores("ood")],
    ["Training images per second", "Pre-training", values(before, "images_per_second")],
    ["Training images per second", "Fine-tuning", values(tuned, "images_per_second")],
  ];
  const known = lines.map((
    [panel, line, all],
  ) => /** @type {const} */ ([panel, line, all.filter(([, value]) => value != null)]));
  const rows = known.flatMap(([panel, line, all], order) =>
    all.map(([epoch, value]) => ({ panel, order, line, epoch, value }))
  );
  const said = known
    .filter(([, , all]) => all.length)
    .map(([panel, line, all]) =>
      `${panel}, ${line}: ${
        all.map(([epoch, value]) => `${value?.toPrecision(4)} after epoch ${epoch}`).filter((_, n) =>
          n === 0 || n === all.length - 1
        ).join(", ")
      }.`
    );
  const holder = at("run");
  const returnTo = document.activeElement;
  const close = () => {
    holder.hidden = true;
    holder.replaceChildren();
    /** @type {any} */ (returnTo)?.focus?.();
  };
  const { run: which, id, ood } = described(i);
  const inside = element("div", { class: "curves", role: "img", "aria-label": said.join(" ") });
  const none = D.runs.distribution[run] === "scratch" ? "Not pre-trained." : "";
  holder.replaceChildren(
    element("h2", { id: "run-title" }, `${D.labels[ofRun("series", i)]}: ${which.replace(/, epoch.*/, "")}`),
    button("Close", close, { class: "close" }),
    element(
      "p",
      {},
      `Checkpoint after epoch ${D.checkpoints.epoch[i]}. In distribution: ${id}. Out of distribution: ${ood}.`,
    ),
    inside,
    element(
      "p",
      { class: "hint" },
      [costOf("Pre-training", before), costOf("Fine-tuning", tuned), none].join(" ").trim(),
    ),
  );
  holder.onkeydown = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close();
  holder.hidden = false;
  const columns = Math.max(1, Math.floor(inside.clientWidth / 270));
  await embed(inside.appendChild(element("div", { "aria-hidden": "true" })), {
    ...D.charts.curves,
    columns,
    datasets: { curves: rows },
  });
  holder.focus({ preventScroll: true });
  holder.scrollIntoView({ block: "nearest" });
}

const ROWS = 25;
const order = { by: "series", down: false, page: 0 };
/** @type {[string, string, (i: number) => any, ((value: any) => string)?][]} name in the CSV, heading, value, as text */
const COLUMNS = [
  ["task", "Task", (i) => ofRun("task", i)],
  ["series", "Pre-trained on", (i) => ofRun("series", i), (value) => D.labels[value]],
  ["architecture", "Architecture", (i) => ofRun("architecture", i), (value) => D.architectures[value]],
  ["seed", "Seed", (i) => ofRun("seed", i)],
  ["epoch", "Epoch", (i) => D.checkpoints.epoch[i]],
];
for (const { name, label } of D.metrics) {
  for (const [where, words] of [["id", "In-distribution"], ["ood", "Out-of-distribution"]]) {
    const column = `${where}_${name}`;
    COLUMNS.push([column, `${words} ${label}`, (i) => D.checkpoints[column][i], (value) => fixed(value, 4)]);
  }
}

/** The checkpoints as CSV, with the columns and numbers of the score table. @param {number[]} checkpoints */
function csvOf(checkpoints) {
  const cell = (
    /** @type {any} */ value,
  ) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? ""));
  const rows = checkpoints.map((i) => COLUMNS.map(([, , value]) => cell(value(i))).join(","));
  return [COLUMNS.map(([name]) => name).join(","), ...rows, ""].join("\n");
}

/** Show checkpoints as a table to sort, to page through and to save. @param {number[]} checkpoints @param {(i: number) => void} open */
export function showTable(checkpoints, open) {
  const value = (COLUMNS.find(([name]) => name === order.by) ?? COLUMNS[0])[2];
  const sorted = [...checkpoints].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a - b));
  if (order.down) sorted.reverse();
  order.page = Math.max(0, Math.min(order.page, Math.ceil(sorted.length / ROWS) - 1));
  const first = order.page * ROWS;
  const rows = sorted.slice(first, first + ROWS);
  /** @param {object} change @param {string} focus */
  const again = (change, focus) => {
    Object.assign(order, change);
    showTable(checkpoints, open);
    at("table").querySelector(focus)?.focus({ preventScroll: true });
  };
  const save = () => {
    const href = URL.createObjectURL(new Blob([csvOf(sorted)], { type: "text/csv" }));
    element("a", { href, download: "checkpoints.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  };
  const heads = COLUMNS.map(([name, words]) => {
    const down = order.by === name && !order.down;
    const sort = order.by !== name ? "none" : order.down ? "descending" : "ascending";
    const press = () => again({ by: name, down, page: 0 }, `[data-sort="${name}"]`);
    return element("th", { scope: "col", "aria-sort": sort }, button(words, press, { "data-sort": name }));
  });
  const line = (/** @type {number} */ i) => {
    const cells = COLUMNS.map(([, , plain, text = String]) =>
      element("td", { class: typeof plain(i) }, text(plain(i)))
    );
    const label = `Run of ${Object.values(described(i)).slice(0, 2).join(", ")}`;
    return element("tr", {}, cells, element("td", {}, button("Run", () => open(i), { "aria-label": label })));
  };
  at("table").lastElementChild.replaceChildren(
    element(
      "p",
      { class: "buttons" },
      button("Previous", () => again({ page: order.page - 1 }, ".next"), {
        class: "previous",
        disabled: order.page === 0,
      }),
      button("Next", () => again({ page: order.page + 1 }, ".previous"), {
        class: "next",
        disabled: first + ROWS >= sorted.length,
      }),
      element(
        "span",
        { role: "status" },
        `${Math.min(first + 1, sorted.length)} to ${first + rows.length} of ${count(sorted.length, "checkpoint")}`,
      ),
      button("Download all as CSV", save),
    ),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Checkpoints shown" },
      element(
        "table",
        { class: "checkpoints" },
        element("thead", {}, element("tr", {}, heads, element("th", { scope: "col" }, "Curves"))),
        element("tbody", {}, rows.map(line)),
      ),
    ),
  );
}
