// Mouse, fingers and keys on a chart: values at a place, and which part of the run is seen.
function listen(chart) {
  const canvas = chart.marks;
  const fingers = new Map();
  const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
  const valueAt = (pixel) => chart.xScale.invert(pixel);
  const within = (pixel) => Math.min(Math.max(pixel, LEFT), canvas.clientWidth - RIGHT);

  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "mouse" && event.button === 0) chart.chosen = [within(place(event)), within(place(event))];
    point(chart, valueAt(place(event)));
  });
  canvas.addEventListener("pointermove", (event) => {
    const pixel = place(event);
    if (fingers.size === 2 && fingers.has(event.pointerId)) {
      const before = [...fingers.values()];
      fingers.set(event.pointerId, pixel);
      pinch(chart, before, [...fingers.values()]);
      return;
    }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, pixel);
    if (chart.chosen) chart.chosen[1] = within(pixel);
    point(chart, valueAt(pixel));
  });
  const release = (event) => {
    fingers.delete(event.pointerId);
    const [one, other] = (chart.chosen ?? [0, 0]).sort((a, b) => a - b);
    chart.chosen = null;
    if (event.type === "pointerup") {
      if (other - one > 5) see([valueAt(one), valueAt(other)]);
      else choose(chart);
    }
    drawMarks(chart);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(chart, null));
  canvas.addEventListener("blur", () => point(chart, null));
  canvas.addEventListener("dblclick", () => see(null));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // it scrolls the page, until the chart is clicked
    event.preventDefault();
    zoom(1.2 ** Math.sign(event.deltaY), valueAt(within(place(event))));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const action = KEYS[event.key];
    if (!action || !chart.visible().length) return;
    event.preventDefault();
    event.stopPropagation(); // arrows go through epochs elsewhere
    action(chart);
  });
}

const KEYS = {
  ArrowLeft: (chart) => walk(chart, -1),
  ArrowRight: (chart) => walk(chart, 1),
  "+": () => zoom(1 / 1.5, view.mark ?? undefined),
  "-": () => zoom(1.5, view.mark ?? undefined),
  Enter: (chart) => choose(chart),
  Escape: () => see(null),
  0: () => see(null),
};

function walk(chart, by) {
  const { xs } = chart.visible()[0];
  const { low, high } = chart.xScale;
  const from = view.mark === null ? firstFrom(xs, (low + high) / 2) : nearest(xs, view.mark) + by;
  point(chart, xs[Math.min(Math.max(from, 0), xs.length - 1)]);
  find("spoken").textContent = chart.tip.innerText.replace(/\s+/g, " ");
}

// Shows the images of the epoch that is pointed at.
function choose(chart) {
  const first = chart.visible()[0];
  if (!first || view.mark === null || !view.choose) return;
  const place = first.table.x[rowAt(chart, first)];
  if (place !== undefined) view.choose(Math.max(1, Math.ceil(place)));
}

// Two fingers keep what lies under them.
function pinch(chart, before, after) {
  const [a, b] = before.map((pixel) => chart.xScale.invert(pixel));
  const spread = after[1] - after[0];
  if (Math.abs(spread) < 10) return;
  const each = (b - a) / spread;
  const low = a - (after[0] - LEFT) * each;
  see([low, low + (chart.marks.clientWidth - LEFT - RIGHT) * each]);
  chart.drawLines();
}

function point(chart, x) {
  Object.assign(view, { mark: x, pointed: x === null ? null : chart });
  for (const each of charts.values()) drawMarks(each);
}

// Shows in all charts which epoch's images are seen.
function markEpoch(epoch) {
  view.epoch = epoch;
  for (const chart of charts.values()) drawMarks(chart);
}

// The row of a series that is nearest to the mark, of those that are in view.
function rowAt({ xScale }, { xs }) {
  const [first, last] = [firstFrom(xs, xScale.low), firstFrom(xs, xScale.high * (1 + 1e-12)) - 1];
  if (view.mark === null || first > last) return undefined;
  return Math.min(Math.max(nearest(xs, view.mark), first), last);
}

function drawMarks(chart) {
  if (!chart.xScale || !chart.plot.clientWidth) return;
  const context = prepared(chart.marks, chart.plot);
  const { clientWidth: width, clientHeight: height } = chart.plot;
  const upright = (x, colour, dashes) => {
    if (!(x >= LEFT && x <= width - RIGHT)) return;
    context.strokeStyle = colourOf(colour);
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(x, TOP);
    context.lineTo(x, height - BOTTOM);
    context.stroke();
    context.setLineDash([]);
  };
  if (chart.chosen) {
    const [one, other] = chart.chosen;
    context.globalAlpha = 0.5;
    context.fillStyle = colourOf("--line");
    context.fillRect(one, TOP, other - one, height - TOP - BOTTOM);
    context.globalAlpha = 1;
  }
  const shown = chart.visible().map((one) => ({ ...one, row: rowAt(chart, one) })).filter((one) => one.row !== undefined);
  if (view.epoch !== null && shown.length + chart.series.size) {
    const [{ table } = {}] = chart.visible();
    const last = table ? Math.min(firstFrom(table.x, view.epoch), table.x.length - 1) : -1;
    if (last >= 0) upright(chart.xScale.at(table[view.unit][last]), "--accent", [3, 3]);
  }
  chart.tip.hidden = view.pointed !== chart || !shown.length;
  if (view.mark === null || !shown.length) return;
  const x = chart.xScale.at(shown[0].xs[shown[0].row]);
  upright(x, "--muted", []);
  for (const { series, xs, values, row } of shown) {
    context.fillStyle = colourOf(series.colour);
    context.beginPath();
    context.arc(chart.xScale.at(xs[row]), chart.yScale.at(values[row]), 3.5, 0, 7);
    context.fill();
  }
  if (chart.tip.hidden) return;
  describe(chart, shown);
  const own = chart.tip.offsetWidth;
  const left = x < width / 2 ? x + 12 : x - own - 12;
  chart.tip.style.left = `${Math.max(0, Math.min(left, width - own))}px`;
}

// What the box beside the pointer says: the place, and the values as they were logged.
function describe(chart, shown) {
  const { table, row } = shown[0];
  const head = `Epoch ${table.epoch[row]} · ${table.images[row].toLocaleString("en")} images`;
  const lines = shown.map(({ series, raw, values, row: own }) => {
    const swatch = element("i");
    swatch.style.borderColor = `var(${series.colour})`;
    const smoothed = chart.smoothing ? element("small", {}, ` (${text(values[own])} smoothed)`) : "";
    return element("tr", {},
      element("td", {}, swatch, series.name), element("td", { className: "value" }, text(raw[own])), element("td", {}, smoothed));
  });
  chart.tip.replaceChildren(element("b", {}, head), element("table", {}, ...lines));
}
