// Which charts there are, and which part of the run all of them show.
const charts = new Map(); // title -> Chart
const SPEED = [["learning rate", "lr"], ["images per second", "rate"]];

// Metrics have scales of their own: val_psnr, val_rec_psnr_A and val_psnr_B_ema go together, val_l1 does not.
function titleOf(kind, name) {
  if (kind === "losses") return "losses";
  if (kind === "scores") return `validation: ${name.replace(/^val_(rec_)?/, "").replace(/_ema$/, "").replace(/_[AB]$/, "")}`;
  return name.startsWith("score") ? "discriminator scores" : "gradient norms";
}

function addChart(title, kind, columns) {
  if (charts.has(title)) return;
  const chart = new Chart(title, kind, columns, kind !== "scores" && title !== "learning rate");
  charts.set(title, chart);
  find("charts").append(chart.section);
  new ResizeObserver(() => chart.draw()).observe(chart.plot);
}

function refreshCharts() {
  for (const kind of Object.keys(tables)) {
    for (const name of tables[kind].columns.keys()) {
      const title = titleOf(kind, name);
      addChart(title, kind, () => new Map([...tables[kind].columns].filter(([other]) => titleOf(kind, other) === title)));
    }
    if (kind === "losses" && tables.losses.x.length) {
      for (const [title, column] of SPEED) addChart(title, kind, () => new Map([[title, tables.losses[column]]]));
    }
  }
  find("curves").hidden = !charts.size;
  for (const chart of charts.values()) chart.refresh();
}

function redraw() {
  for (const chart of charts.values()) chart.draw();
}

// From the first to the last point.
function wholeRun() {
  const all = Object.values(tables).map((table) => table[view.unit]).filter((xs) => xs.length);
  const first = Math.min(...all.map((xs) => xs[0]));
  const last = Math.max(...all.map((xs) => xs[xs.length - 1]));
  if (!all.length) return [0, 1];
  return [first < last / 4 || first === last ? 0 : first, last];
}

// Shows [from, to] of the run, or all of it for null.
function see(range) {
  view.range = null;
  if (range) {
    const [start, end] = wholeRun();
    const [low, high] = [Math.max(range[0], start), Math.min(range[1], end)];
    if (high - low > (end - start) * 1e-7 && (low > start || high < end)) view.range = [low, high];
  }
  redraw();
}

// Shows `times` as much of the run, around a place.
function zoom(times, around) {
  const [low, high] = view.range ?? wholeRun();
  const middle = around ?? (low + high) / 2;
  see([middle - (middle - low) * times, middle + (high - middle) * times]);
}

find("closer").onclick = () => zoom(0.5);
find("farther").onclick = () => zoom(2);
find("whole").onclick = () => see(null);
find("smoothing").oninput = () => {
  view.smoothing = +find("smoothing").value;
  find("smooth").textContent = view.smoothing;
  redraw();
};
find("unit").onchange = () => {
  Object.assign(view, { unit: find("unit").value, range: null });
  for (const chart of charts.values()) chart.mark = null;
  redraw();
};
addEventListener("themechange", redraw);
find("unit").value = view.unit; // browsers keep what was chosen before a reload
find("smoothing").value = 0;
