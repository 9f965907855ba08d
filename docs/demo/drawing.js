// Tools on a canvas of the network's own pixels. Edges are hard: label maps know no colours in between.
const KEPT = 40; // steps that can be undone

export class Drawing {
  tool = "brush";
  width = 4;
  #undone = [];
  #done = [];

  // changed(ended) is called while something is drawn, and with true when it is.
  constructor(canvas, background, changed) {
    this.canvas = canvas;
    this.background = this.colour = background;
    this.changed = changed;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => event.button === 0 && this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#start && this.#go(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.#end());
    this.#fillAll(background);
  }

  #start = null;
  #last = null;
  #before = null;

  get pixels() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  get canUndo() { return this.#done.length > 0; }
  get canRedo() { return this.#undone.length > 0; }

  remember() {
    this.#done = [...this.#done, this.pixels].slice(-KEPT);
    this.#undone = [];
  }

  undo() { this.#swap(this.#done, this.#undone); }
  redo() { this.#swap(this.#undone, this.#done); }

  #swap(from, to) {
    if (!from.length || this.#start) return;
    to.push(this.pixels);
    this.context.putImageData(from.pop(), 0, 0);
    this.changed(true);
  }

  clear() {
    this.remember();
    this.#fillAll(this.background);
    this.changed(true);
  }

  // A square of a picture, on white where it is transparent: the largest, or 1 / zoom of it, the middle one or another.
  place(source, width, height, zoom = 1, across = 0.5, down = 0.5) {
    const { canvas, context } = this;
    const side = Math.max(1, Math.round(Math.min(width, height) / zoom));
    this.#fillAll("#ffffff");
    context.imageSmoothingEnabled = side !== canvas.width;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, Math.floor((width - side) * across), Math.floor((height - side) * down), side, side, 0, 0, canvas.width, canvas.height);
  }

  #fillAll(colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    return [Math.floor((event.clientX - box.left) * scale), Math.floor((event.clientY - box.top) * scale)];
  }

  #begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.remember();
    this.#before = this.pixels;
    this.#start = this.#last = this.#at(event);
    this.context.fillStyle = this.tool === "eraser" ? this.background : this.colour;
    if (this.tool === "fill") this.#flood(...this.#start);
    this.#go(event);
  }

  #go(event) {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.#draw(this.#at(one));
    this.changed(false);
  }

  #draw(point) {
    if (this.tool === "brush" || this.tool === "eraser") {
      this.#stroke(this.#last, point);
    } else if (this.tool !== "fill") {
      this.context.putImageData(this.#before, 0, 0);
      if (this.tool === "line") this.#stroke(this.#start, point);
      else if (this.tool === "ellipse") this.#oval(this.#start, point);
      else this.#box(this.#start, point);
    }
    this.#last = point;
  }

  #end() {
    if (!this.#start) return;
    this.#start = null;
    this.changed(true);
  }

  #stroke([x0, y0], [x1, y1]) {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let i = 0; i <= steps; i++) this.#dot(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps));
  }

  #dot(x, y) {
    const radius = this.width / 2;
    const first = Math.floor(radius);
    for (let row = 0; row < this.width; row++) {
      const half = Math.sqrt(radius * radius - (row + 0.5 - radius) ** 2);
      const from = Math.round(radius - half), to = Math.round(radius + half);
      this.context.fillRect(x - first + from, y - first + row, Math.max(1, to - from), 1);
    }
  }

  #box([x0, y0], [x1, y1]) {
    this.context.fillRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0) + 1, Math.abs(y1 - y0) + 1);
  }

  #oval([x0, y0], [x1, y1]) {
    const [left, top, width, height] = [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0) + 1, Math.abs(y1 - y0) + 1];
    for (let row = 0; row < height; row++) {
      const half = (width / 2) * Math.sqrt(1 - ((row + 0.5) / (height / 2) - 1) ** 2);
      const from = Math.round(width / 2 - half), to = Math.round(width / 2 + half);
      this.context.fillRect(left + from, top + row, Math.max(1, to - from), 1);
    }
  }

  #flood(x, y) {
    const image = this.pixels, { width, height } = image;
    const words = new Uint32Array(image.data.buffer);
    this.context.fillRect(x, y, 1, 1);
    const colour = new Uint32Array(this.context.getImageData(x, y, 1, 1).data.buffer)[0];
    const old = words[y * width + x];
    if (old === colour) return;
    const waiting = [y * width + x];
    words[waiting[0]] = colour;
    const reach = (place) => {
      if (words[place] !== old) return;
      words[place] = colour;
      waiting.push(place);
    };
    while (waiting.length) {
      const place = waiting.pop(), column = place % width;
      if (column > 0) reach(place - 1);
      if (column < width - 1) reach(place + 1);
      if (place >= width) reach(place - width);
      if (place < width * (height - 1)) reach(place + width);
    }
    this.context.putImageData(image, 0, 0);
  }
}
