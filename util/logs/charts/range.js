// Which part of the run all charts show, and in which unit.
function redraw() {
  for (const chart of charts.values()) chart.draw();
}

// From the first to the last point of all charts.
function wholeRun() {
  const all = [...charts.values()].flatMap((chart) => chart.tables().map((table) => table[view.unit])).filter((xs) => xs.length);
  if (!all.length) return [0, 1];
  const first = Math.min(...all.map((xs) => xs[0]));
  const last = Math.max(...all.map((xs) => xs[xs.length - 1]));
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
  Object.assign(view, { unit: find("unit").value, range: null, mark: null, pointed: null });
  redraw();
};
addEventListener("themechange", redraw);
find("unit").value = view.unit; // browsers keep what was chosen before a reload
find("smoothing").value = view.smoothing;
