import { Network } from "./compute.js";
import { Drawing } from "./drawing.js";
import { acceptPictures, Camera } from "./photos.js";

const LIVE = 200; // milliseconds: faster networks translate while one draws
const READY = "Draw, drop or paste a picture, or use the camera.";
const [$, all] = [(id) => document.getElementById(id), (selector) => [...document.querySelectorAll(selector)]];
const settings = await (await fetch("model.json")).json();
const { size } = settings;
const [input, output, before] = [$("input"), $("output"), $("before")];
for (const canvas of [input, output, before]) canvas.width = canvas.height = size;
for (const picture of all(".picture")) picture.classList.toggle("crisp", size <= 128);
document.title = $("title").textContent = settings.title;
$("about").textContent = settings.about;
$("input-label").textContent = settings.input_label;
$("output-label").textContent = settings.output_label;
$("credits").textContent = settings.credits;

const colours = settings.palette.map(({ colour }) => colour);
const drawing = new Drawing(input, colours[0], (ended) => {
  showHistory();
  if (ended || milliseconds < LIVE) refresh();
});
const camera = new Camera();
const network = new Network(settings, (share) => ($("loading").value = share));

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

// Translates the newest state of the drawing; what was drawn in between is left out.
let [ready, busy, again, milliseconds, frames] = [false, null, false, Infinity, 0];
function refresh() {
  again = true;
  if (ready) busy ??= work().catch((error) => say(error.message, true)).finally(() => (busy = null));
  else showWaiting(true);
  return busy;
}

// A picture that takes long is not mistaken for the answer to what is drawn now.
function showWaiting(waiting) {
  $("compare").setAttribute("aria-busy", waiting);
}

function show(result, image) {
  output.getContext("2d").putImageData(result, 0, 0);
  before.getContext("2d").putImageData(image, 0, 0);
}

async function work() {
  const slow = setTimeout(showWaiting, LIVE, true);
  try {
    await translateNewest();
  } finally {
    clearTimeout(slow);
    showWaiting(false);
  }
}

async function translateNewest() {
  while (again) {
    again = false;
    const image = drawing.pixels;
    const result = await network.translate(image);
    milliseconds = result.milliseconds;
    show(new ImageData(result.pixels, size, size), image);
    $("time").textContent = `${milliseconds.toFixed(0)} ms per image (${(1000 / milliseconds).toFixed(0)} per second)`;
    document.body.dataset.frames = ++frames;
  }
}

// Tools and colours
function press(group, button) {
  for (const each of group) each.setAttribute("aria-pressed", each === button);
}
function showHistory() {
  [$("undo").disabled, $("redo").disabled] = [!drawing.canUndo, !drawing.canRedo];
}
for (const button of all("#tools button")) button.onclick = () => {
  drawing.tool = button.value;
  press(all("#tools button"), button);
};
for (const { colour, name } of settings.palette) {
  const button = Object.assign(document.createElement("button"), { type: "button", title: name, value: colour });
  button.style.setProperty("--colour", colour);
  button.setAttribute("aria-label", name);
  $("other").before(button);
  button.onclick = () => choose(button.value);
}
function choose(colour) {
  drawing.colour = $("colour").value = colour;
  const buttons = all("#palette button");
  press(buttons, buttons.find((button) => button.value === colour));
  if (drawing.tool === "eraser") all("#tools button")[0].click();
}
choose(colours[1] ?? colours[0]);
$("colour").oninput = () => choose($("colour").value);
$("width").max = Math.max(8, Math.round(size / 8));
$("width").value = drawing.width = Math.max(2, Math.round(size / 40));
$("width").oninput = () => (drawing.width = Number($("width").value));
$("undo").onclick = () => drawing.undo();
$("redo").onclick = () => drawing.redo();
$("clear").onclick = () => drawing.clear();
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  if (event.shiftKey) drawing.redo();
  else drawing.undo();
});

// Pictures
let photo = null; // the newest one, of which a part can be chosen
function take(picture, width, height) {
  stopCamera();
  drawing.remember();
  photo = { picture, width, height };
  [$("zoom").value, $("across").value, $("down").value] = [1, 50, 50];
  $("crop").hidden = width === size && height === size;
  showHistory();
  if (ready) say(READY);
  return placePhoto();
}
function placePhoto() {
  const [zoom, across, down] = ["zoom", "across", "down"].map((id) => Number($(id).value));
  drawing.place(photo.picture, photo.width, photo.height, zoom, across / 100, down / 100);
  return refresh();
}
for (const id of ["zoom", "across", "down"]) $(id).oninput = placePhoto;
$("photo").onclick = () => $("file").click();
acceptPictures($("file"), take, (message) => say(message, true));
$("examples").hidden = !settings.samples.length;
for (const [number, file] of settings.samples.entries()) {
  const image = Object.assign(document.createElement("img"), { src: file, alt: `Example ${number + 1}` });
  const button = Object.assign(document.createElement("button"), { type: "button", title: "Start from this picture" });
  button.append(image);
  $("samples").append(button);
  button.onclick = async () => {
    const [picture, known] = await Promise.all([decoded(file), pixelsOf(settings.results[number])]);
    take(picture, size, size);
    show(known, drawing.pixels);
    showWaiting(false);
  };
}
async function decoded(file) {
  return createImageBitmap(await (await fetch(file)).blob());
}
async function pixelsOf(file) {
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(await decoded(file), 0, 0);
  return context.getImageData(0, 0, size, size);
}
function stopCamera() {
  camera.stop();
  $("camera").setAttribute("aria-pressed", false);
}
$("camera").onclick = async () => {
  if (camera.on) return stopCamera();
  $("camera").setAttribute("aria-pressed", true);
  drawing.remember();
  showHistory();
  try {
    await camera.start((video) => {
      drawing.place(video, video.videoWidth, video.videoHeight);
      return refresh();
    });
  } catch (error) {
    stopCamera();
    say(error.message, true);
  }
};

// The output
function cut(share) {
  $("cut").value = share;
  $("compare").style.setProperty("--cut", `${share}%`);
  $("compare").classList.toggle("whole", Number(share) <= 0);
}
cut(0);
$("cut").oninput = () => cut($("cut").value);
const drag = (event) => {
  const box = $("compare").getBoundingClientRect();
  if (event.buttons) cut(Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width)));
};
$("compare").onpointerdown = (event) => {
  $("compare").setPointerCapture(event.pointerId);
  drag(event);
};
$("compare").onpointermove = drag;
function save(canvas, name) {
  canvas.toBlob((blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}
$("download").onclick = () => save(output, settings.title);
// Small pictures are enlarged by whole numbers: every pixel stays a square.
$("both").onclick = () => {
  const side = size * Math.max(1, Math.floor(512 / size));
  const sheet = Object.assign(document.createElement("canvas"), { width: 2 * side, height: side });
  const context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(before, 0, 0, side, side);
  context.drawImage(output, side, 0, side, side);
  save(sheet, `${settings.title} input and output`);
};

// Start: the first sample, whose translation by Python is seen while the network is loaded
$("main").hidden = $("loading").hidden = false;
say(`Loading the network …${settings.samples.length ? " The examples can be seen already." : ""}`);
let expected = null;
if (settings.samples.length) {
  const [picture, known] = await Promise.all([decoded(settings.samples[0]), pixelsOf(settings.results[0])]);
  drawing.place(picture, size, size);
  show(known, drawing.pixels);
  expected = known.data;
}
const difference = (pixels) => {
  let most = 0;
  for (let i = 0; expected && i < pixels.length; i++) most = Math.max(most, Math.abs(pixels[i] - expected[i]));
  return most;
};
const first = drawing.pixels; // one may draw already while the network is loaded
let levels = 0;
try {
  await network.open(first, (pixels) => difference(pixels) <= 8);
  levels = difference((await network.translate(first)).pixels);
} catch (error) {
  say(`The network cannot be computed here: ${error.message}`, true);
  throw error;
} finally {
  $("loading").hidden = true;
}
$("backend").textContent = network.name;
$("agreement").textContent = expected ? (levels ? `differs by at most ${levels} of 255 grey levels` : "identical") : "no sample to compare";
$("compare").dataset.wait = "Translating …";
ready = true;
await refresh();
say(READY);
