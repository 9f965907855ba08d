// Which charts there are.
const SPEED = [["Learning rate", "lr", "learning rate"], ["Images per second", "rate", "images/s"]];
const ORDER = ["Losses", "Validation", "Discriminator", "Gradient", "Learning", "Images"];
const APART = 4; // times as large: what is drawn in a chart of its own
let panels = { rows: 0, of: new Map() }; // loss -> title of its chart, as the magnitudes were after so many rows

// Metrics have scales of their own: val_psnr, val_rec_psnr_A and val_psnr_B_ema go together, val_l1 does not.
function titleOf(kind, name) {
  if (kind === "losses") return panels.of.get(name);
  if (kind === "scores") return `Validation: ${metricOf(name)}`;
  return name.startsWith("score") ? "Discriminator scores" : "Gradient norms";
}

// Groups losses by how large they usually are, so that none flattens the others; again when twice as much is known.
function groupLosses() {
  const { columns, x } = tables.losses;
  if (columns.size === panels.of.size && x.length < 2 * panels.rows) return;
  const sized = [...columns].map(([name, values]) => {
    const known = values.slice(Math.floor(values.length / 2)).map(Math.abs).filter((value) => value > 0).sort((a, b) => a - b);
    return { name, size: known[known.length >> 1] ?? 0 };
  }).sort((a, b) => b.size - a.size);
  const groups = [];
  for (const { name, size } of sized) {
    const last = groups.at(-1);
    if (!last || (last.least > APART * size && size && groups.length < 3)) groups.push({ least: size, names: [name] });
    else Object.assign(last, { least: size || last.least, names: [...last.names, name] });
  }
  const order = [...columns.keys()];
  const of = new Map(groups.flatMap(({ names }) => {
    const sorted = order.filter((name) => names.includes(name));
    const title = groups.length === 1 ? "Losses" : `Losses: ${sorted.join(", ")}`;
    return sorted.map((name) => [name, title]);
  }));
  const titles = new Set(of.values());
  for (const [title, chart] of charts) {
    if (!chart.loss || titles.has(title)) continue;
    chart.section.remove();
    charts.delete(title);
  }
  panels = { rows: x.length, of };
}

function addChart(title, columns, options) {
  if (charts.has(title)) return;
  const chart = new Chart(title, columns, options);
  chart.loss = title.startsWith("Losses");
  chart.rank = ORDER.findIndex((start) => title.startsWith(start));
  const after = [...charts.values()].filter((one) => one.rank <= chart.rank).sort((a, b) => a.rank - b.rank).at(-1);
  if (after) [...charts.values()].filter((one) => one.rank === after.rank).at(-1).section.after(chart.section);
  else find("charts").prepend(chart.section);
  charts.set(title, chart);
}

function optionsOf(kind, title) {
  if (kind === "losses") return { axis: "weighted loss", heading: title.includes(",") ? "Losses" : title }; // the legend has the names
  if (kind === "health") return { axis: title.startsWith("Gradient") ? "norm" : "score" };
  const name = title.replace("Validation: ", "");
  const lower = run.lower_is_better?.[name];
  return { noisy: false, axis: name === "psnr" ? "dB" : name, note: lower === undefined ? "" : lower ? "lower is better" : "higher is better" };
}

function refreshCharts() {
  groupLosses();
  for (const kind of Object.keys(tables)) {
    for (const name of tables[kind].columns.keys()) {
      const title = titleOf(kind, name);
      addChart(title, () => new Map([...tables[kind].columns]
        .filter(([other]) => titleOf(kind, other) === title)
        .map(([other, values]) => [other, { table: tables[kind], values }])), optionsOf(kind, title));
    }
    if (kind === "losses" && tables.losses.x.length) {
      for (const [title, column, axis] of SPEED) {
        if (column === "rate" && tables.losses.x.length < 2) continue; // it is known between two prints
        addChart(title, () => new Map([[title, { table: tables.losses, values: tables.losses[column] }]]), { noisy: column === "rate", axis });
      }
    }
  }
  find("curves").hidden = !charts.size;
  const losses = [...charts.values()].filter((chart) => chart.loss);
  for (const chart of charts.values()) {
    chart.section.classList.toggle("wide", chart.loss && losses.length === 1);
    chart.refresh();
  }
}
