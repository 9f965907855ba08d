// The large view: all pictures of an example, one of them, two under a line that is dragged, or their difference.
const view = find("view");
const slider = newElement("input", "", { type: "range", id: "slider", min: 0, max: 100, step: 0.5, value: 50 });
slider.setAttribute("aria-label", "Cut between the left and the right image, in percent");
let mode = "all";
let wanted = data.pair; // labels of the left and the right picture
let current = null; // the example that is selected in the list, or shown

function open(example, choice = mode) {
  current = example;
  mode = choice;
  if (!view.open) {
    zoom = 1;
    enter();
    view.showModal();
  }
  draw();
}

function step(by) {
  const place = shown.indexOf(current) + by;
  if (shown[place]) current = shown[place];
  draw();
  for (const near of [shown[place + 1], shown[place - 1]]) {
    if (near) picturesOf(near).forEach((picture) => newImage(picture)); // ready when it is asked for
  }
}

function choose(side, number) {
  const picture = picturesOf(current)[number];
  if (!picture) return;
  const pair = pairOf(picturesOf(current), wanted).map((each) => each.label);
  pair[side] = picture.label;
  wanted = pair;
  if (mode === "all") mode = side ? "swipe" : "one";
  draw();
  refreshHeat();
}

function draw() {
  const pictures = picturesOf(current);
  const pair = pairOf(pictures, wanted);
  find("name").textContent = find("name").title = current.name;
  const place = shown.indexOf(current) + 1;
  find("place").textContent = `${place} of ${shown.length}`;
  find("previous").disabled = place <= 1;
  find("next").disabled = place >= shown.length;
  for (const button of find("modes").children) button.setAttribute("aria-pressed", button.value === mode);
  const compares = mode === "swipe" || mode === "difference";
  drawNumbers(mode === "all" ? [] : compares ? pair : [pair[0]]);
  drawChoices(find("left"), 0, pictures, pair[0]);
  drawChoices(find("right"), 1, pictures, pair[1]);
  find("right").hidden = find("swap").hidden = !compares;
  find("left").hidden = mode === "all";
  find("grade").hidden = mode !== "difference";
  drawStar();
  drawStage(pictures, pair);
  find("readout").textContent = hint();
  const what = { all: "all images", one: pair[0].label, swipe: `${pair[0].label} over ${pair[1].label}`,
    difference: `difference of ${pair[0].label} and ${pair[1].label}` }[mode];
  find("said").textContent = `${current.name}, ${place} of ${shown.length}, ${what}`;
  remember();
}

// Those of the pictures, which have no caption here, and of their differences.
function drawNumbers(pictures) {
  const labels = pictures.map(({ label }) => label);
  find("numbers").replaceChildren(...data.keys.flatMap((key, column) => {
    const place = data.places[column];
    const theirs = place ? labels.includes(place) : labels.some((label) => key.includes(label));
    if (!theirs || current.values[column] === null) return [];
    return [newElement("span", `${key} ${format(current.values[column], column)}`, { className: "chip" })];
  }));
}

function drawChoices(group, side, pictures, chosen) {
  group.replaceChildren(...pictures.map((picture, number) => {
    const button = newElement("button", `${number + 1} ${picture.label}`, { type: "button", title: picture.label });
    button.setAttribute("aria-pressed", picture === chosen);
    button.addEventListener("click", () => choose(side, number));
    return button;
  }));
}

// A window on pictures of the same shape, which the first of them gives it.
function newPane(kind, pictures) {
  const pane = newElement("div", "", { className: `pane ${kind}`, picture: pictures[0] });
  pane.style.aspectRatio = `${pictures[0].width} / ${pictures[0].height}`;
  pane.append(...pictures.map((picture) => {
    const layer = newElement("div", "", { className: "layer" });
    const image = newImage(picture, current);
    image.dataset.label = picture.label;
    layer.append(image);
    return layer;
  }));
  return pane;
}

function drawStage(pictures, [left, right]) {
  stage.style.setProperty("--shape", left.width / left.height);
  if (mode === "all") stage.replaceChildren(...pictures.map(newFigure));
  else if (mode === "one") stage.replaceChildren(newPane("single", [left]));
  else if (mode === "difference") stage.replaceChildren(newPane(`single ${mapClass()}`, [left, right]));
  else {
    const pane = newPane("single stack swipe", [left, right]);
    pane.append(newElement("span", left.label, { className: "tag start" }), newElement("span", right.label, { className: "tag end" }));
    pane.append(slider, newElement("span", "⇔", { className: "knob" }));
    pane.lastChild.setAttribute("aria-hidden", true);
    stage.replaceChildren(pane);
  }
  fit();
}

function newFigure(picture) {
  const figure = document.createElement("figure");
  const caption = picture.caption.cloneNode(true);
  const link = newElement("a", picture.label, { href: picture.link, title: "Open the file" });
  caption.firstChild.replaceWith(link);
  figure.append(newPane("", [picture]), caption);
  return figure;
}

// As few columns as make the pictures largest, so that lines are full.
function fit() {
  const pictures = picturesOf(current);
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  const tallest = Math.max(...pictures.map((picture) => picture.height / picture.width));
  const cell = (columns) => {
    const rows = Math.ceil(pictures.length / columns);
    return Math.min((width - 8 * (columns - 1)) / columns, ((height - 8 * (rows - 1)) / rows - 52) / tallest);
  };
  const cells = pictures.map((_, number) => Math.max(40, Math.floor(cell(number + 1))));
  const best = Math.max(...cells);
  stage.style.setProperty("--cell", `${best}px`);
  stage.style.setProperty("--columns", mode === "all" ? cells.indexOf(best) + 1 : 1);
  place();
}

function slide() {
  stage.style.setProperty("--cut", `${slider.value}%`);
}

function close() {
  view.close();
  select(current);
  leave();
}

function swap() {
  wanted = pairOf(picturesOf(current), wanted).map((picture) => picture.label).reverse();
  draw();
}

new ResizeObserver(() => view.open && fit()).observe(stage);
slider.addEventListener("input", slide);
find("modes").addEventListener("click", (event) => event.target.value && open(current, event.target.value));
find("previous").addEventListener("click", () => step(-1));
find("next").addEventListener("click", () => step(1));
find("close").addEventListener("click", close);
find("swap").addEventListener("click", swap);
view.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});
slide();
