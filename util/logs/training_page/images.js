// The images of one epoch at a time, of fixed examples and of the training set; only those are loaded.
let shownEpoch = null; // null follows the newest
let player = 0; // timer while it plays
const figures = new Map(); // label -> its figure
const INPUTS = /^real/; // the same in all epochs

const numbers = () => [...new Set([...epochs.keys(), ...examples.keys()])].sort((a, b) => a - b);
const padded = (epoch) => String(epoch).padStart(3, "0");
const linkTo = (file) => file.split("/").map(encodeURIComponent).join("/");

// The epoch itself, or the last one before it that has images.
function upTo(some, epoch) {
  const known = [...some.keys()].filter((one) => one <= epoch);
  return known.length ? Math.max(...known) : Math.min(...some.keys());
}

function refreshImages() {
  const all = numbers();
  find("images").hidden = !all.length;
  if (!all.length) return;
  const slider = find("epoch");
  slider.max = all.length - 1;
  const place = shownEpoch === null ? all.length - 1 : nearest(all, shownEpoch);
  const epoch = all[place];
  slider.value = place;
  slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
  find("back").disabled = place === 0;
  find("on").disabled = place === all.length - 1;
  find("play").disabled = all.length < 2;
  find("which").textContent = `Epoch ${epoch} of ${run.last_epoch}${shownEpoch === null ? " (latest)" : ""}`;
  find("fixed").hidden = !examples.size;
  find("trained").hidden = !epochs.size;
  if (examples.size) drawExamples(upTo(examples, epoch));
  if (epochs.size) drawEpoch(upTo(epochs, epoch));
  markEpoch(epoch);
}

function exampleFile(epoch, label, number) {
  const { version, suffix } = examples.get(epoch);
  const start = INPUTS.test(label) ? "" : `epoch${padded(epoch)}_`;
  return { file: linkTo(`examples/${start}${number}_${label}.${suffix}`), version };
}

// A row for each label, a column for each example.
function drawExamples(epoch) {
  const { labels } = examples.get(epoch);
  const names = run.examples.names;
  const grid = find("examples");
  const key = JSON.stringify([labels, names, run.id]);
  if (grid.dataset.key !== key) {
    grid.dataset.key = key;
    grid.style.setProperty("--count", names.length);
    grid.style.setProperty("--most", labels.length > 4 ? "12rem" : "15rem"); // both ways of CycleGAN take many rows
    grid.replaceChildren(...labels.flatMap((label) => [
      element("p", { className: "label small muted", textContent: label }),
      ...names.map((name) => element("a", { title: name }, newImage())),
    ]));
    find("split").textContent = run.examples.phase;
  }
  const links = [...grid.querySelectorAll("a")];
  labels.forEach((label, row) => names.forEach((name, number) => {
    const { file, version } = exampleFile(epoch, label, number + 1);
    put(links[row * names.length + number], file, version, `${label} of ${name}, epoch ${epoch}`);
  }));
}

function drawEpoch(epoch) {
  find("pictures").style.setProperty("--width", `${run.width}px`);
  const { labels, version } = epochs.get(epoch);
  for (const label of labels) {
    if (!figures.has(label)) figures.set(label, newFigure());
    const [link, caption] = figures.get(label).children;
    put(link, linkTo(`images/epoch${padded(epoch)}_${label}.png`), version, `${label} of epoch ${epoch}`);
    caption.textContent = label;
  }
  const wanted = labels.map((label) => figures.get(label));
  const present = [...find("pictures").children];
  if (wanted.length !== present.length || wanted.some((figure, i) => figure !== present[i])) {
    find("pictures").replaceChildren(...wanted);
    find("pictures").style.setProperty("--count", wanted.length > 4 ? Math.ceil(wanted.length / 2) : wanted.length); // a line for each way
  }
}

// The newest epoch's images are written several times: the version tells them apart.
function put(link, file, version, alt) {
  const image = link.firstChild;
  const source = `${file}?${version}`;
  if (image.getAttribute("src") === source) return;
  link.href = file;
  image.src = source;
  image.alt = alt;
}

function newImage() {
  const image = element("img", { width: run.width, decoding: "async" });
  // Small ones get visible pixels.
  image.onload = () => image.classList.toggle("small", 2 * image.naturalWidth <= Math.max(run.width, image.clientWidth));
  return image;
}

function newFigure() {
  return element("figure", {}, element("a", {}, newImage()), element("figcaption"));
}

function showPlace(place) {
  const all = numbers();
  if (!(place in all)) return;
  shownEpoch = place === all.length - 1 ? null : all[place];
  refreshImages();
}

const placeNow = () => +find("epoch").value;

function stopPlaying() {
  clearTimeout(player);
  player = 0;
  find("play").textContent = "▶ Play";
}

// Goes on to the next epoch when its images are there, and not before their time.
async function play(place) {
  const began = performance.now();
  const own = player = setTimeout(() => {});
  showPlace(place);
  const next = numbers()[place + 1];
  if (next === undefined) return stopPlaying();
  const wanted = [...document.querySelectorAll("#examples img, #pictures img")].map((image) =>
    image.getAttribute("src").replace(/epoch\d+_/, `epoch${padded(next)}_`));
  await Promise.all(wanted.map((source) => Object.assign(new Image(), { src: source }).decode().catch(() => {})));
  if (player !== own) return;
  const wait = 1000 / +find("speed").value - (performance.now() - began);
  player = setTimeout(() => play(place + 1), Math.max(0, wait));
}

find("play").onclick = () => {
  if (player) return stopPlaying();
  find("play").textContent = "❚❚ Pause";
  play(find("on").disabled ? 0 : placeNow());
};
find("epoch").oninput = () => {
  stopPlaying();
  showPlace(placeNow());
};
find("back").onclick = () => showPlace(placeNow() - 1);
find("on").onclick = () => showPlace(placeNow() + 1);
view.choose = (epoch) => showPlace(nearest(numbers(), epoch));
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("input, select, canvas")) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) showPlace(placeNow() + by);
});
