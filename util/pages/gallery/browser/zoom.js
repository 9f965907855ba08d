// Zooming and moving all pictures of the large view together, and what lies under the pointer.
const stage = find("stage");
const NEAREST = 64; // pixels of the screen for one of a picture
let zoom = 1; // 1: whole pictures
let corner = [0, 0]; // left upper corner of a zoomed picture, in widths and heights of its pane; 0 or less

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const paneOf = (target) => target?.closest?.(".pane") ?? null;
const firstPane = () => stage.querySelector(".pane");

// The place of an event in a pane, as parts of its width and height.
function placeIn(pane, event) {
  const box = pane.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function most() {
  const pane = firstPane();
  return pane ? Math.max(8, (NEAREST * pane.picture.width) / pane.clientWidth) : 8;
}

function zoomTo(wantedZoom, [x, y] = [0.5, 0.5]) {
  const before = zoom;
  zoom = clamp(wantedZoom, 1, most());
  if (zoom < 1.01) zoom = 1;
  corner = [x, y].map((part, axis) => part - ((part - corner[axis]) * zoom) / before);
  place();
}

function pan(right, down) {
  corner = [corner[0] + right, corner[1] + down];
  place();
}

function place() {
  corner = corner.map((part) => clamp(part, 1 - zoom, 0));
  stage.style.setProperty("--zoom", zoom);
  stage.style.setProperty("--x", `${100 * corner[0]}%`);
  stage.style.setProperty("--y", `${100 * corner[1]}%`);
  stage.classList.toggle("zoomed", zoom > 1);
  find("farther").disabled = find("whole").disabled = zoom === 1;
  find("closer").disabled = zoom >= most();
  const pane = firstPane();
  if (!pane) return;
  const percent = Math.round((100 * zoom * pane.clientWidth) / pane.picture.width);
  find("whole").textContent = zoom === 1 ? "Fit" : `${percent} %`;
  for (const each of stage.querySelectorAll(".pane")) {
    for (const image of each.querySelectorAll("img")) {
      image.classList.toggle("crisp", zoom * each.clientWidth >= 2 * each.picture.width);
    }
  }
}

// Where pages are opened as files, browsers let nobody read pixels; places are shown all the same.
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const pen = canvas.getContext("2d", { willReadFrequently: true });
let readable = location.protocol !== "file:";

function valueAt(image, x, y) {
  if (!readable || !image.complete || !image.naturalWidth) return "";
  try {
    pen.clearRect(0, 0, 1, 1);
    pen.drawImage(image, Math.floor(x * image.naturalWidth), Math.floor(y * image.naturalHeight), 1, 1, 0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(" ");
  } catch {
    readable = false;
    return "";
  }
}

function read(event) {
  const pane = paneOf(event.target);
  stage.classList.toggle("pointed", Boolean(pane));
  if (!pane) return void (find("readout").textContent = hint());
  const at = placeIn(pane, event);
  stage.style.setProperty("--px", `${100 * at[0]}%`);
  stage.style.setProperty("--py", `${100 * at[1]}%`);
  const [x, y] = at.map((part, axis) => clamp((part - corner[axis]) / zoom, 0, 0.999999));
  const { width, height } = pane.picture;
  const values = [...stage.querySelectorAll(".pane img")].flatMap((image) => {
    const value = valueAt(image, x, y);
    return value ? [`${image.dataset.label} ${value}`] : [];
  });
  const where = `x ${Math.floor(x * width)}, y ${Math.floor(y * height)} of ${width} × ${height}`;
  const why = readable ? [] : ["values need a web server (python -m http.server): browsers hide the pixels of files"];
  find("readout").textContent = [where, ...values, ...why].join("  ·  ");
}

const byFinger = matchMedia("(pointer: coarse)").matches;
function hint() {
  const [left, right] = pairOf(picturesOf(current), wanted);
  if (mode === "difference" && signed()) return `Red: ${left.label} is brighter. Blue: ${right.label} is brighter.`;
  const how = byFinger ? "Pinch to zoom, drag to move" : "Wheel, pinch or double-click to zoom, drag to move";
  return how + (mode === "swipe" ? ", drag the line to compare" : "");
}

// Fingers and the mouse. Two fingers zoom; one moves, or shifts the cut of a swipe.
const pointers = new Map(); // id -> last event
let gesture = "";

function touch(event) {
  const pane = paneOf(event.target);
  if (!pane || event.button > 0) return;
  event.preventDefault();
  stage.focus({ preventScroll: true });
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
  pointers.pane = pane;
  const nearCut = mode === "swipe" && Math.abs(placeIn(pane, event)[0] * 100 - slider.value) * pane.clientWidth < 2400;
  gesture = mode === "swipe" && (zoom === 1 || nearCut) ? "cut" : "pan";
  if (gesture === "cut") cutAt(placeIn(pane, event)[0]);
}

function drag(event) {
  const before = pointers.get(event.pointerId);
  if (!before) return read(event);
  const { pane } = pointers;
  const others = [...pointers.values()].filter((each) => each.pointerId !== event.pointerId);
  pointers.set(event.pointerId, event);
  if (others.length) {
    const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
    const middle = { clientX: (event.clientX + others[0].clientX) / 2, clientY: (event.clientY + others[0].clientY) / 2 };
    zoomTo((zoom * apart(event)) / apart(before), placeIn(pane, middle));
  } else if (gesture === "cut") cutAt(placeIn(pane, event)[0]);
  else {
    const [from, to] = [placeIn(pane, before), placeIn(pane, event)];
    pan(to[0] - from[0], to[1] - from[1]);
  }
}

function lift(event) {
  pointers.delete(event.pointerId);
}

function cutAt(part) {
  slider.value = 100 * part;
  slide();
}

stage.addEventListener("wheel", (event) => {
  const pane = paneOf(event.target);
  if (!pane) return;
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 30 : 1;
  zoomTo(zoom * 2 ** clamp((-event.deltaY * lines) / (event.ctrlKey ? 60 : 240), -1, 1), placeIn(pane, event));
  read(event);
}, { passive: false });
stage.addEventListener("dblclick", (event) => {
  const pane = paneOf(document.elementFromPoint(event.clientX, event.clientY)); // the stage has caught the pointer
  if (pane) zoomTo(zoom > 1 ? 1 : 4, placeIn(pane, event));
});
stage.addEventListener("pointerdown", touch);
stage.addEventListener("pointermove", drag);
stage.addEventListener("pointerup", lift);
stage.addEventListener("pointercancel", lift);
stage.addEventListener("pointerleave", read);
find("closer").addEventListener("click", () => zoomTo(zoom * 1.5));
find("farther").addEventListener("click", () => zoomTo(zoom / 1.5));
find("whole").addEventListener("click", () => zoomTo(1));
