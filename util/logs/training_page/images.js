// The images of one epoch at a time; only those are loaded.
let shownEpoch = null; // null follows the newest
const figures = new Map(); // label -> its figure

const numbers = () => [...epochs.keys()].sort((a, b) => a - b);

function refreshImages() {
  const all = numbers();
  find("images").hidden = !all.length;
  if (!all.length) return;
  const slider = find("epoch");
  slider.max = all.length - 1;
  const place = shownEpoch === null ? all.length - 1 : nearest(all, shownEpoch);
  slider.value = place;
  slider.setAttribute("aria-valuetext", `epoch ${all[place]}`);
  find("back").disabled = place === 0;
  find("on").disabled = place === all.length - 1;
  find("which").textContent = `Epoch ${all[place]} of ${run.last_epoch}${shownEpoch === null ? " (latest)" : ""}`;
  drawEpoch(all[place], epochs.get(all[place]));
}

function drawEpoch(epoch, { labels, version }) {
  for (const label of labels) {
    if (!figures.has(label)) figures.set(label, newFigure(label));
    const file = `images/epoch${String(epoch).padStart(3, "0")}_${label}.png`.split("/").map(encodeURIComponent).join("/");
    const [link, caption] = figures.get(label).children;
    const source = `${file}?${version}`; // the newest epoch's images are written several times
    if (link.firstChild.getAttribute("src") !== source) {
      link.href = file;
      link.firstChild.src = source;
      link.firstChild.alt = `${label} of epoch ${epoch}`;
    }
    caption.textContent = label;
  }
  const wanted = labels.map((label) => figures.get(label));
  const present = [...find("pictures").children];
  if (wanted.length !== present.length || wanted.some((figure, i) => figure !== present[i])) {
    find("pictures").replaceChildren(...wanted);
  }
}

function newFigure() {
  const image = element("img", { width: run.width, decoding: "async" });
  // Small ones get visible pixels.
  image.onload = () => { image.className = 2 * image.naturalWidth <= run.width ? "small" : ""; };
  const figure = element("figure", {}, element("a", {}, image), element("figcaption"));
  figure.style.width = `${run.width}px`;
  return figure;
}

function showPlace(place) {
  const all = numbers();
  if (!(place in all)) return;
  shownEpoch = place === all.length - 1 ? null : all[place];
  refreshImages();
}

const placeNow = () => +find("epoch").value;
find("epoch").oninput = () => showPlace(placeNow());
find("back").onclick = () => showPlace(placeNow() - 1);
find("on").onclick = () => showPlace(placeNow() + 1);
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("input, select, canvas")) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) showPlace(placeNow() + by);
});
