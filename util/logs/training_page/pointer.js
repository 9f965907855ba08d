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
    if (event.type === "pointerup" && other - one > 5) see([valueAt(one), valueAt(other)]);
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
    if (!action || !chart.xs.length) return;
    event.preventDefault();
    event.stopPropagation(); // arrows go through epochs elsewhere
    action(chart);
  });
}

const KEYS = {
  ArrowLeft: (chart) => walk(chart, -1),
  ArrowRight: (chart) => walk(chart, 1),
  "+": (chart) => zoom(1 / 1.5, chart.mark ?? undefined),
  "-": (chart) => zoom(1.5, chart.mark ?? undefined),
  Escape: () => see(null),
  0: () => see(null),
};

function walk(chart, by) {
  const { low, high } = chart.xScale;
  const from = chart.mark === null ? firstFrom(chart.xs, (low + high) / 2) : nearest(chart.xs, chart.mark) + by;
  point(chart, chart.xs[Math.min(Math.max(from, 0), chart.xs.length - 1)]);
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
  chart.mark = x;
  drawMarks(chart);
}

// The row nearest to the mark, of those that are in view.
function rowAt({ xs, mark, xScale }) {
  const [first, last] = [firstFrom(xs, xScale.low), firstFrom(xs, xScale.high * (1 + 1e-12)) - 1];
  if (mark === null || first > last) return undefined;
  return Math.min(Math.max(nearest(xs, mark), first), last);
}

function drawMarks(chart) {
  const context = prepared(chart.marks, chart.plot);
  const { clientHeight: height } = chart.plot;
  if (chart.chosen) {
    const [one, other] = chart.chosen;
    context.fillStyle = colourOf("--line");
    context.fillRect(one, TOP, other - one, height - TOP - BOTTOM);
  }
  const row = rowAt(chart);
  chart.tip.hidden = row === undefined;
  if (chart.tip.hidden) return;
  const x = chart.xScale.at(chart.xs[row]);
  context.strokeStyle = colourOf("--muted");
  context.beginPath();
  context.moveTo(x, TOP);
  context.lineTo(x, height - BOTTOM);
  context.stroke();
  const shown = chart.visible();
  for (const { series, values } of shown) {
    context.fillStyle = colourOf(series.colour);
    context.beginPath();
    context.arc(x, chart.yScale.at(values[row]), 3.5, 0, 7);
    context.fill();
  }
  describe(chart, row, shown);
  const [width, space] = [chart.tip.offsetWidth, chart.plot.clientWidth];
  const left = x < space / 2 ? x + 12 : x - width - 12;
  chart.tip.style.left = `${Math.max(0, Math.min(left, space - width))}px`;
}

// What the box beside the pointer says of a row: its place, and the values as they were logged.
function describe(chart, row, shown) {
  const { epoch, images } = chart.table;
  const head = `Epoch ${epoch[row]} · ${images[row].toLocaleString("en")} images`;
  const lines = shown.map(({ series, raw, values }) => {
    const swatch = element("i");
    swatch.style.borderColor = `var(${series.colour})`;
    const smoothed = chart.smoothing ? element("small", {}, ` (${text(values[row])} smoothed)`) : "";
    return element("tr", {},
      element("td", {}, swatch, series.name), element("td", { className: "value" }, text(raw[row])), element("td", {}, smoothed));
  });
  chart.tip.replaceChildren(element("b", {}, head), element("table", {}, ...lines));
}
