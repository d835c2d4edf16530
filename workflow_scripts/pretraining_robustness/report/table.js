// The checkpoints shown, as a table to sort and page through, and as a CSV file.

const ROWS = 25;

const COLUMNS = [
  ["task", "Task", taskOf],
  ["series", "Pre-trained on", seriesOf, (i) => D.labels[seriesOf(i)]],
  ["architecture", "Architecture", architectureOf, (i) => D.architectures[architectureOf(i)]],
  ["seed", "Seed", seedOf],
  ["epoch", "Epoch", (i) => D.checkpoints.epoch[i]],
  ...D.metrics.flatMap((metric) =>
    [
      ["id", "In-distribution"],
      ["ood", "Out-of-distribution"],
    ].map(([where, words]) => {
      const column = `${where}_${metric.name}`;
      return [
        column,
        `${words} ${metric.label}`,
        (i) => D.checkpoints[column][i],
        (i) => fixed(D.checkpoints[column][i], 4),
      ];
    }),
  ),
];

/** The checkpoints as CSV text, with the columns and the numbers of the score table. */
function csvOf(checkpoints) {
  const cell = (value) =>
    value == null ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
  const rows = checkpoints.map((i) => COLUMNS.map(([, , value]) => cell(value(i))).join(","));
  return [COLUMNS.map(([name]) => name).join(","), ...rows, ""].join("\n");
}

/** Show `checkpoints` in `holder`; `state` keeps the sorting and the page, `open` shows the run of one. */
function showTable(holder, checkpoints, state, open) {
  const [, , value] = COLUMNS.find(([name]) => name === state.sort);
  const order = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a - b) * (state.down ? -1 : 1);
  const sorted = [...checkpoints].sort(order);
  const pages = Math.max(1, Math.ceil(sorted.length / ROWS));
  state.page = Math.min(state.page, pages - 1);
  const again = (change, focus) => {
    Object.assign(state, change);
    showTable(holder, checkpoints, state, open);
    holder.querySelector(focus)?.focus({ preventScroll: true });
  };
  const heading = ([name, words]) => {
    const own = state.sort === name;
    const press = () => again({ sort: name, down: own && !state.down, page: 0 }, `[data-sort="${name}"]`);
    const direction = own ? (state.down ? "descending" : "ascending") : "none";
    const arrow = own ? (state.down ? " ▾" : " ▴") : "";
    const button = element("button", { type: "button", "data-sort": name, onclick: press }, words, arrow);
    return element(
      "th",
      {
        scope: "col",
        class: name === "seed" || name === "epoch" || name.includes("d_") ? "number" : null,
        "aria-sort": direction,
      },
      button,
    );
  };
  const row = (i) => {
    const cells = COLUMNS.map(([, , plain, words]) =>
      element("td", { class: typeof plain(i) }, String((words ?? plain)(i))),
    );
    const button = element(
      "button",
      { type: "button", onclick: () => open(i), "aria-label": `Run of ${described(i).slice(0, 2).join(", ")}` },
      "Run",
    );
    return element("tr", {}, cells, element("td", {}, button));
  };
  const turn = (text, step) =>
    element(
      "button",
      {
        type: "button",
        class: `turn${step}`,
        disabled: state.page + step < 0 || state.page + step >= pages,
        onclick: () => again({ page: state.page + step }, `.turn${step}`),
      },
      text,
    );
  const save = () => {
    const link = element("a", {
      href: URL.createObjectURL(new Blob([csvOf(sorted)], { type: "text/csv" })),
      download: "checkpoints.csv",
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const first = sorted.length ? state.page * ROWS + 1 : 0,
    last = Math.min((state.page + 1) * ROWS, sorted.length);
  holder.replaceChildren(
    element(
      "p",
      { class: "buttons" },
      turn("Previous", -1),
      turn("Next", 1),
      element("span", { role: "status" }, `${first} to ${last} of ${count(sorted.length, "checkpoint")}`),
      element("button", { type: "button", class: "save", onclick: save }, "Download all as CSV"),
    ),
    element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Checkpoints shown" },
      element(
        "table",
        { class: "checkpoints" },
        element("thead", {}, element("tr", {}, COLUMNS.map(heading), element("th", { scope: "col" }, "Curves"))),
        element("tbody", {}, sorted.slice(state.page * ROWS, last).map(row)),
      ),
    ),
  );
}
