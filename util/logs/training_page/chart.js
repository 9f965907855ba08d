// A chart on two canvases, lines below and the pointer's marks above, with buttons that choose its lines.
const view = { unit: "x", range: null, smoothing: 0 }; // what all charts share; a range of null is the whole run
const LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 24;

function element(tag, properties = {}, ...children) {
  const one = Object.assign(document.createElement(tag), properties);
  one.append(...children);
  return one;
}

class Chart {
  // columns: gives a Map of name -> values. noisy: whether smoothing makes sense.
  constructor(title, kind, columns, noisy) {
    Object.assign(this, { title, kind, columns, noisy, log: false, series: new Map() });
    this.mark = null; // the x that values are shown of
    this.chosen = null; // two pixels, while a range is being chosen
    this.lines = element("canvas");
    this.marks = element("canvas", { className: "marks", tabIndex: 0 });
    this.marks.setAttribute("role", "img");
    this.marks.setAttribute("aria-label", `curves of ${title}; arrows show values, plus and minus zoom`);
    this.tip = element("div", { className: "tip", hidden: true });
    this.legend = element("div", { className: "legend" });
    this.plot = element("div", { className: "plot" }, this.lines, this.marks, this.tip);
    const log = element("button", { type: "button", textContent: "log", title: "logarithmic values" });
    log.setAttribute("aria-pressed", "false");
    log.onclick = () => {
      this.log = !this.log;
      log.setAttribute("aria-pressed", this.log);
      this.draw();
    };
    this.section = element("section", { className: "chart" }, element("h3", {}, title, log), this.legend, this.plot);
    listen(this);
  }

  get smoothing() { return this.noisy ? view.smoothing : 0; }

  get table() { return tables[this.kind]; }

  get xs() { return this.table[view.unit]; }

  refresh() {
    for (const name of this.columns().keys()) if (!this.series.has(name)) this.addSeries(name);
    this.draw();
  }

  addSeries(name) {
    const series = new Series(name, this.series.size);
    this.series.set(name, series);
    const swatch = element("i");
    swatch.style.borderColor = `var(${series.colour})`;
    swatch.style.borderTopStyle = series.dashes.length ? "dashed" : "solid";
    const button = element("button", { type: "button", title: "show or hide; double click: only this one" }, swatch, name);
    series.button = button;
    button.onclick = () => this.show(series, series.hidden);
    button.ondblclick = () => {
      const others = [...this.series.values()].filter((one) => one !== series);
      const alone = others.every((one) => one.hidden);
      for (const one of others) this.show(one, alone);
      this.show(series, true);
    };
    this.show(series, true);
    this.legend.append(button);
    this.legend.hidden = this.series.size < 2;
  }

  show(series, shown) {
    series.hidden = !shown;
    series.button.setAttribute("aria-pressed", shown);
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.drawLines();
      drawMarks(this);
    });
  }

  // Series that are shown, each with what is drawn of it.
  visible() {
    const columns = this.columns();
    return [...this.series.values()].filter((one) => !one.hidden && columns.has(one.name)).map((series) => {
      const raw = columns.get(series.name);
      return { series, raw, values: series.smooth(raw, this.smoothing) };
    });
  }

  // Sets the scales to what is visible; gives the range of indices to draw.
  fit(visible) {
    const { clientWidth: width, clientHeight: height } = this.plot;
    const xs = this.xs;
    const [low, high] = view.range ?? wholeRun();
    const from = Math.max(0, firstFrom(xs, low) - 1);
    const to = Math.min(xs.length, firstFrom(xs, high) + 1);
    let bottom = Infinity, top = -Infinity;
    for (const { values } of visible) {
      const [least, most] = rangeOf(values, from, to, this.log);
      bottom = Math.min(bottom, least);
      top = Math.max(top, most);
    }
    if (bottom > top) [bottom, top] = this.log ? [0.1, 1] : [0, 1];
    const room = this.log ? (top / bottom) ** 0.05 : (top - bottom) * 0.05;
    const flat = top === bottom ? Math.abs(top) * 0.1 || 1 : 0;
    if (this.log) [bottom, top] = flat ? [bottom / 2, top * 2] : [bottom / room, top * room];
    else [bottom, top] = [bottom - room - flat, top + room + flat];
    this.xScale = scaleOf(low, high, LEFT, width - RIGHT);
    this.yScale = scaleOf(bottom, top, height - BOTTOM, TOP, this.log);
    return [from, to];
  }

  drawLines() {
    const context = prepared(this.lines, this.plot);
    const visible = this.visible();
    const [from, to] = this.fit(visible);
      this.drawAxes(context);
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP - 2, this.plot.clientWidth - LEFT - RIGHT, this.plot.clientHeight - TOP - BOTTOM + 4);
    context.clip();
    context.lineJoin = "round";
    for (const faint of this.smoothing ? [true, false] : [false]) {
      for (const { series, raw, values } of visible) {
        context.strokeStyle = context.fillStyle = colourOf(series.colour);
        context.globalAlpha = faint ? 0.25 : 1;
        context.lineWidth = faint ? 1 : 1.6;
        context.setLineDash(series.dashes);
        trace(context, this.xs, faint ? raw : values, from, to, this.xScale, this.yScale);
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
    for (const tick of ticksOf(this.yScale, height / 36)) {
      const y = Math.round(this.yScale.at(tick)) + 0.5;
      line(LEFT, y, width - RIGHT, y);
      context.fillText(text(tick), LEFT - 6, y);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticksOf(this.xScale, width / 90)) {
      const x = Math.round(this.xScale.at(tick)) + 0.5;
      line(x, height - BOTTOM, x, height - BOTTOM + 4);
      context.fillText(text(tick, 7), x, height - BOTTOM + 7);
    }
    line(LEFT, height - BOTTOM + 0.5, width - RIGHT, height - BOTTOM + 0.5);
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
