// A chart on two canvases, lines below and the pointer's marks above, with buttons that choose its lines.
const charts = new Map(); // title -> Chart
// What all charts share. range: null is the whole run. mark: the x that is pointed at, in chart `pointed`.
// epoch: whose images are shown; choose: called with an epoch that was clicked.
const view = { unit: "x", range: null, smoothing: 0.6, mark: null, pointed: null, epoch: null, choose: null };
const hidden = new Set(); // names of series, kept when they move to another chart
const UNITS = { x: "epochs", images: "images", hours: "hours of training" };
const LEFT = 58, RIGHT = 10, TOP = 10, BOTTOM = 40;
const FEW = 40; // points that are marked by dots

function element(tag, properties = {}, ...children) {
  const one = Object.assign(document.createElement(tag), properties);
  one.append(...children);
  return one;
}

class Chart {
  // columns: gives a Map of name -> {table, values, colour}, the colour a number. noisy: whether smoothing makes sense.
  constructor(title, columns, { noisy = true, axis = "", note = "", heading = title } = {}) {
    Object.assign(this, { title, columns, noisy, axis, log: false, series: new Map() });
    this.chosen = null; // two pixels, while a range is being chosen
    this.lines = element("canvas");
    this.marks = element("canvas", { className: "marks", tabIndex: 0 });
    this.marks.setAttribute("role", "application");
    this.marks.setAttribute("aria-label", `Curves of ${title}: arrows read values, plus and minus zoom, Enter shows the images of the epoch`);
    this.tip = element("div", { className: "tip", hidden: true });
    this.legend = element("div", { className: "legend" });
    this.plot = element("div", { className: "plot" }, this.lines, this.marks, this.tip);
    const log = this.button("Log", "Logarithmic values", () => {
      this.log = !this.log;
      log.setAttribute("aria-pressed", this.log);
      this.draw();
    });
    log.setAttribute("aria-pressed", "false");
    const tools = element("div", { className: "tools" }, log,
      this.button("CSV", "Download the values as CSV", () => saveTable(this)),
      this.button("PNG", "Download a picture of the chart", () => savePicture(this)));
    this.section = element("section", { className: "chart card" },
      element("div", { className: "chart-head" }, element("h3", { title }, heading), element("small", { className: "muted" }, note), tools),
      this.legend, this.plot);
    listen(this);
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  button(text, meaning, action) {
    const one = element("button", { type: "button", textContent: text, title: meaning, onclick: action });
    one.setAttribute("aria-label", `${text}: ${this.title}`);
    return one;
  }

  get smoothing() { return this.noisy ? view.smoothing : 0; }

  tables() { return [...new Set([...this.columns().values()].map((one) => one.table))]; }

  refresh() {
    const columns = this.columns();
    for (const [name, { colour }] of columns) if (!this.series.has(name)) this.addSeries(name, colour ?? this.series.size);
    for (const [name, series] of this.series) series.button.hidden = !columns.has(name);
    this.legend.hidden = columns.size < 2;
    this.draw();
  }

  addSeries(name, number) {
    const series = new Series(name, number);
    this.series.set(name, series);
    const swatch = element("i");
    swatch.style.borderColor = `var(${series.colour})`;
    swatch.style.borderTopStyle = series.dashes.length ? "dashed" : "solid";
    const button = element("button", { type: "button", title: "Show or hide; double click: only this one" }, swatch, name);
    series.button = button;
    button.onclick = () => this.show(series, series.hidden);
    button.ondblclick = () => {
      const others = [...this.series.values()].filter((one) => one !== series);
      const alone = others.every((one) => one.hidden);
      for (const one of others) this.show(one, alone);
      this.show(series, true);
    };
    this.show(series, !hidden.has(name));
    this.legend.append(button);
  }

  show(series, shown) {
    series.hidden = !shown;
    hidden[shown ? "delete" : "add"](series.name);
    series.button.setAttribute("aria-pressed", shown);
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (!this.plot.clientWidth) return;
      this.drawLines();
      drawMarks(this);
    });
  }

  // Series that are shown, each with what is drawn of it.
  visible() {
    const columns = this.columns();
    return [...this.series.values()].filter((one) => !one.hidden && columns.has(one.name)).map((series) => {
      const { table, values: raw } = columns.get(series.name);
      return { series, table, xs: table[view.unit], raw, values: series.smooth(raw, this.smoothing) };
    });
  }

  // Sets the scales to what is visible, and which rows of each series are drawn.
  fit(visible) {
    const { clientWidth: width, clientHeight: height } = this.plot;
    const [low, high] = view.range ?? wholeRun();
    let [bottom, top, least, most] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const one of visible) {
      one.from = Math.max(0, firstFrom(one.xs, low) - 1);
      one.to = Math.min(one.xs.length, firstFrom(one.xs, high) + 1);
      const usual = this.noisy && !this.log ? usualRange(one.values, one.from, one.to) : rangeOf(one.values, one.from, one.to, this.log);
      const all = rangeOf(one.values, one.from, one.to, false);
      [bottom, top] = [Math.min(bottom, usual[0]), Math.max(top, usual[1])];
      [least, most] = [Math.min(least, all[0]), Math.max(most, all[1])];
    }
    this.empty = bottom > top;
    if (this.empty) [bottom, top] = this.log ? [0.1, 1] : [0, 1];
    const room = this.log ? (top / bottom) ** 0.05 : (top - bottom) * 0.05;
    const flat = top === bottom ? Math.abs(top) * 0.1 || 1 : 0;
    if (this.log) [bottom, top] = flat ? [bottom / 2, top * 2] : [bottom / room, top * room];
    else [bottom, top] = [bottom - room - flat, top + room + flat];
    this.xScale = scaleOf(low, high, LEFT, width - RIGHT);
    this.yScale = scaleOf(bottom, top, height - BOTTOM, TOP, this.log);
    this.outside = [
      this.log && least <= 0 ? "values up to 0 have no logarithm" : least < bottom ? `↓ ${text(least, 3)}` : "",
      most > top ? `↑ ${text(most, 3)}` : "",
    ].filter(Boolean).join("  ");
  }

  drawLines() {
    const context = prepared(this.lines, this.plot);
    const visible = this.visible();
    this.fit(visible);
    this.drawAxes(context);
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP - 3, this.plot.clientWidth - LEFT - RIGHT + 3, this.plot.clientHeight - TOP - BOTTOM + 6);
    context.clip();
    context.lineJoin = "bevel"; // round ones take ten times as long where there are many points
    let points = 0;
    for (const faint of this.smoothing ? [true, false] : [false]) {
      for (const { series, xs, raw, values, from, to } of visible) {
        context.strokeStyle = colourOf(series.colour);
        context.globalAlpha = faint ? 0.25 : 1;
        context.lineWidth = faint ? 1 : 1.8;
        context.setLineDash(series.dashes);
        points = Math.max(points, trace(context, xs, faint ? raw : values, from, to, this.xScale, this.yScale, faint));
      }
    }
    if (points <= FEW) {
      for (const { series, xs, values, from, to } of visible) {
        context.fillStyle = colourOf(series.colour);
        dots(context, xs, values, from, to, this.xScale, this.yScale);
      }
    }
    context.restore();
  }

  drawAxes(context) {
    const { clientWidth: width, clientHeight: height } = this.plot;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colourOf("--muted");
    context.strokeStyle = colourOf("--line");
    context.lineWidth = 1;
    const line = (...points) => {
      context.beginPath();
      context.moveTo(...points.slice(0, 2));
      context.lineTo(...points.slice(2));
      context.stroke();
    };
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of this.empty ? [] : ticksOf(this.yScale, height / 44)) {
      const y = Math.round(this.yScale.at(tick)) + 0.5;
      line(LEFT, y, width - RIGHT, y);
      context.fillText(text(tick), LEFT - 6, y);
    }
    context.textBaseline = "top";
    for (const tick of ticksOf(this.xScale, width / 90)) {
      const x = Math.round(this.xScale.at(tick)) + 0.5;
      const label = Math.abs(tick) >= 1e4 ? tick.toLocaleString("en") : text(tick, 7);
      const half = context.measureText(label).width / 2;
      line(x, height - BOTTOM, x, height - BOTTOM + 4);
      context.textAlign = "left";
      context.fillText(label, Math.min(x - half, width - 2 * half - 1), height - BOTTOM + 7);
    }
    line(LEFT, height - BOTTOM + 0.5, width - RIGHT, height - BOTTOM + 0.5);
    context.textAlign = "center";
    context.fillText(UNITS[view.unit], (LEFT + width - RIGHT) / 2, height - 13);
    if (this.empty) context.fillText("no finite values to draw", (LEFT + width - RIGHT) / 2, (TOP + height - BOTTOM) / 2);
    if (this.outside) {
      context.textAlign = "right";
      context.fillText(this.outside, width - RIGHT - 4, TOP);
    }
    context.save();
    context.translate(4, (TOP + height - BOTTOM) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(this.axis, 0, 0);
    context.restore();
  }
}

// The canvas, cleared and as large as its place, in CSS pixels.
function prepared(canvas, place) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [place.clientWidth, place.clientHeight].map((side) => Math.round(side * ratio));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, place.clientWidth, place.clientHeight);
  return context;
}
