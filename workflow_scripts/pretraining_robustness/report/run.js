// One run: its scores by epoch, and the curves of its pre-training and fine-tuning.

const STAGES = { pretrain: "Pre-training", finetune: "Fine-tuning" };

/** The curve of a stage of a run (a row of D.runs), if there is one. */
function curveOf(stage, run) {
  const fits = (curve) =>
    curve.stage === stage &&
    ["distribution", "architecture", "seed"].every((key) => curve[key] === D.runs[key][run]) &&
    (stage === "pretrain" || ["task", "method"].every((key) => curve[key] === D.runs[key][run]));
  return D.curves.find(fits);
}

/** A line chart over epochs in Vega-Lite; `lines` are [name, epochs, values]. */
function curveSpecification(lines, title, width) {
  const values = lines.flatMap(([line, epochs, numbers]) =>
    epochs.map((epoch, i) => ({ line, epoch, value: numbers[i] })),
  );
  const names = lines.map(([name]) => name);
  const legend = names.length > 1 ? { title: null, orient: "bottom", columns: 1, labelLimit: 0 } : null;
  const coded = (range) => ({ field: "line", type: "nominal", scale: { domain: names, range }, legend });
  return {
    width,
    height: 150,
    padding: 4,
    background: "transparent",
    autosize: { type: "fit-x", contains: "padding" },
    data: { values },
    mark: { type: "line", point: { size: 30 }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "epoch",
        type: "quantitative",
        title: "Epoch",
        axis: { tickMinStep: 1, format: "d", tickCount: 6 },
        scale: { zero: false, nice: false, padding: 8 },
      },
      y: { field: "value", type: "quantitative", title: null, scale: { zero: false }, axis: { tickCount: 5 } },
      color: coded(["#1030A8", "#CA1C03"]),
      strokeDash: coded([
        [1, 0],
        [6, 3],
      ]),
      shape: coded(["circle", "diamond"]),
      tooltip: [
        { field: "line", title: "What" },
        { field: "epoch", title: "Epoch" },
        { field: "value", title, format: ".4~g" },
      ],
    },
    config: {
      axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: "normal", gridColor: "#ebebeb" },
      legend: { labelFontSize: 11 },
    },
  };
}

/** What a line of numbers does from its first to its last epoch, in words. */
function courseOf([name, epochs, numbers]) {
  const [first, last] = [numbers[0], numbers[numbers.length - 1]].map((value) => Number(value?.toPrecision(4)));
  return epochs.length > 1
    ? `${name}: ${first} after epoch ${epochs[0]}, ${last} after epoch ${epochs[epochs.length - 1]}`
    : `${name}: ${first} after epoch ${epochs[0]}`;
}

/** Show the run of checkpoint `i` in `holder`. */
function showRun(holder, i) {
  const run = D.checkpoints.run[i];
  const epochs = [...D.checkpoints.run.keys()].filter((other) => D.checkpoints.run[other] === run);
  const [pretrained, finetuned] = ["pretrain", "finetune"].map((stage) => curveOf(stage, run));
  const scores = ["id", "ood"].map((where) => [
    where === "id" ? "In distribution" : "Out of distribution",
    epochs.map((other) => D.checkpoints.epoch[other]),
    epochs.map((other) => D.checkpoints[`${where}_${state.metric}`][other]),
  ]);
  const speeds = Object.entries({ "Pre-training": pretrained, "Fine-tuning": finetuned })
    .filter(([, curve]) => curve)
    .map(([name, curve]) => [name, curve.epoch, curve.images_per_second]);
  const loss = (curve) => (curve ? [["Loss", curve.epoch, curve.loss]] : []);
  const measured = pretrained?.held_out_accuracy.some((value) => value !== null);
  const heldOut = measured ? [["Accuracy", pretrained.epoch, pretrained.held_out_accuracy]] : [];
  const words = metricLabel(state.metric);
  const charts = [
    ["Pre-training: training loss", loss(pretrained), D.runs.distribution[run] === "scratch" ? "Not pre-trained." : ""],
    ...(measured ? [["Pre-training: accuracy on held-out images", heldOut, ""]] : []),
    ["Fine-tuning: training loss", loss(finetuned), ""],
    [`${words[0].toUpperCase()}${words.slice(1)} by epoch of fine-tuning`, scores, ""],
    ["Training images per second", speeds, ""],
  ];
  const network = D.architectures[D.runs.architecture[run]];
  const title = `${D.labels[D.runs.series[run]]}: ${network}, seed ${D.runs.seed[run]}`;
  const places = charts.map(([name, lines, missing]) => {
    const text = lines.map(courseOf).join("; ");
    const place = element("div", { class: "curve", role: "img", "aria-label": `${name}. ${text || missing}` });
    return element(
      "figure",
      {},
      element("figcaption", {}, name),
      lines.length ? place : element("p", { class: "hint" }, missing || "There is no record of it."),
    );
  });
  const close = () => {
    holder.hidden = true;
    for (const view of holder.views ?? []) view.finalize();
    holder.views = [];
    holder.returnTo?.focus?.();
  };
  if (holder.hidden) holder.returnTo = document.activeElement;
  holder.hidden = false;
  holder.replaceChildren(
    element("h2", { id: "run-title" }, title),
    element("button", { type: "button", class: "close", onclick: close }, "Close"),
    element("p", {}, `Checkpoint after epoch ${D.checkpoints.epoch[i]}. ${described(i).slice(2).join(". ")}.`),
    element("div", { class: "curves" }, places),
    element("p", { class: "hint" }, [costOf("pretrain", pretrained), costOf("finetune", finetuned)].join(" ").trim()),
  );
  holder.onkeydown = (event) => event.key === "Escape" && close();
  holder.views = [];
  holder.focus({ preventScroll: true });
  const drawn = charts.map(async ([name, lines], at) => {
    const place = places[at].querySelector(".curve");
    if (!place) return;
    const specification = curveSpecification(lines, name, place.clientWidth);
    const inside = place.appendChild(element("div", { "aria-hidden": "true" })); // Vega overwrites the label of its own
    const result = await vegaEmbed(inside, specification, { actions: false, renderer: "svg" });
    holder.views.push(result);
  });
  Promise.all(drawn).then(() => holder.scrollIntoView({ block: "nearest" }));
}

function costOf(stage, curve) {
  if (!curve) return "";
  const thinned =
    curve.epoch.length < curve.epochs ? ` (${curve.epoch.length} of ${curve.epochs} epochs are drawn)` : "";
  const job = curve.job_seconds == null ? "" : `, the whole job ${curve.job_seconds.toLocaleString("en")} s`;
  const memory =
    curve.job_max_rss_mb == null ? "" : ` with at most ${curve.job_max_rss_mb.toLocaleString("en")} MiB of memory`;
  const training = `${count(curve.epochs, "epoch")}${thinned} in ${curve.seconds.toLocaleString("en")} s`;
  return `${STAGES[stage]}: ${training}${job}${memory}.`;
}
