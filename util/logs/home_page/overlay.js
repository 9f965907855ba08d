// Curves of the ticked runs, a chart for each name and in it a line for each run.
const compared = () => [...ticked].map((folder) => runs.get(folder)).filter((run) => run?.tables);
const runColours = new Map(); // folder -> number of its colour, for as long as the page is open

function colourNumber(folder) {
  if (!runColours.has(folder)) runColours.set(folder, runColours.size);
  return runColours.get(folder);
}

function curvesOf(run) {
  const found = new Map();
  for (const kind of ["scores", "losses", "health"]) {
    const table = run.tables[kind];
    for (const [name, values] of table.columns) found.set(name, { table, values });
  }
  if (run.tables.losses.x.length) found.set("learning rate", { table: run.tables.losses, values: run.tables.losses.lr });
  return found;
}

function refreshOverlay() {
  const all = compared();
  const names = new Set(all.flatMap((run) => [...curvesOf(run).keys()]));
  const first = (name) => (name.startsWith("val_") ? 0 : name === "learning rate" ? 2 : 1);
  let added = false;
  for (const name of names) {
    if (charts.has(name)) continue;
    added = true;
    const columns = () => new Map(compared().filter((run) => curvesOf(run).has(name)).map((run) =>
      [run.folder, { ...curvesOf(run).get(name), colour: colourNumber(run.folder) }]));
    const chart = new Chart(name, columns, { noisy: first(name) === 1, axis: metricOf(name) });
    charts.set(name, chart);
  }
  if (added) {
    const order = [...charts.keys()].sort((a, b) => first(a) - first(b));
    find("charts").append(...order.map((name) => charts.get(name).section));
  }
  for (const [name, chart] of charts) {
    chart.section.hidden = !names.has(name);
    if (names.has(name)) chart.refresh();
  }
}
