// The large view: all pictures of an example, one of them, two under a slider, or their difference.
const view = find("view");
const stage = find("stage");
let mode = "all";
let wanted = data.pair; // labels of the left and the right picture
let current = null; // the example that is selected in the list, or shown

function open(example, choice = mode) {
  current = example;
  mode = choice;
  if (!view.open) view.showModal();
  draw();
}

function step(by) {
  const place = shown.indexOf(current) + by;
  if (shown[place]) current = shown[place];
  draw();
  for (const near of [shown[place + 1], shown[place - 1]]) {
    if (near) picturesOf(near).forEach((picture) => newImage(picture.link)); // ready when it is asked for
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
  const notes = data.keys.flatMap((key, column) =>
    current.values[column] === null ? [] : [`${key} ${+current.values[column].toPrecision(4)}`]);
  find("numbers").textContent = [`${place} of ${shown.length}`, ...notes].join(" · ");
  find("previous").disabled = place <= 1;
  find("next").disabled = place >= shown.length;
  for (const button of find("modes").children) button.setAttribute("aria-pressed", button.value === mode);
  drawChoices(find("left"), 0, pictures, pair[0]);
  drawChoices(find("right"), 1, pictures, pair[1]);
  const compares = mode === "swipe" || mode === "difference";
  find("right").hidden = find("swap").hidden = !compares;
  find("left").hidden = mode === "all";
  find("slide").hidden = mode !== "swipe";
  find("grade").hidden = mode !== "difference";
  drawStage(pictures, pair);
  remember();
}

function drawChoices(group, side, pictures, chosen) {
  group.replaceChildren(...pictures.map((picture, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${number + 1} ${picture.label}`;
    button.title = picture.label;
    button.setAttribute("aria-pressed", picture === chosen);
    button.addEventListener("click", () => choose(side, number));
    return button;
  }));
}

function drawStage(pictures, [left, right]) {
  stage.style.setProperty("--shape", left.width / left.height);
  if (mode === "all") stage.replaceChildren(...pictures.map(drawOneOfAll));
  else if (mode === "one") stage.replaceChildren(link(left, "whole"));
  else if (mode === "difference") stage.replaceChildren(newStack("heat", [left, right]));
  else {
    const stack = newStack("swipe", [left, right]);
    stack.append(tag(left, "start"), tag(right, "end"));
    stage.replaceChildren(stack);
  }
  fit();
}

function tag(picture, side) {
  const span = document.createElement("span");
  span.className = `tag ${side}`;
  span.textContent = picture.label;
  return span;
}

function link(picture, kind) {
  const anchor = document.createElement("a");
  anchor.href = picture.link;
  anchor.className = kind;
  anchor.append(newImage(picture.link));
  anchor.firstChild.alt = picture.label;
  return anchor;
}

function drawOneOfAll(picture, number) {
  const figure = document.createElement("figure");
  const anchor = link(picture, "");
  anchor.firstChild.width = picture.width;
  anchor.firstChild.height = picture.height;
  anchor.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(0, number);
  });
  figure.append(anchor, picture.caption.cloneNode(true));
  return figure;
}

// As many columns as make the pictures largest; and visible pixels where they are enlarged.
function fit() {
  const pictures = picturesOf(current);
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  const tallest = Math.max(...pictures.map((picture) => picture.height / picture.width));
  const cell = (columns) => {
    const rows = Math.ceil(pictures.length / columns);
    return Math.min((width - 8 * (columns - 1)) / columns, ((height - 8 * (rows - 1)) / rows - 48) / tallest);
  };
  const best = Math.max(...pictures.map((_, number) => cell(number + 1)));
  stage.style.setProperty("--cell", `${Math.max(40, Math.floor(best))}px`);
  for (const image of stage.querySelectorAll("img")) {
    const own = pictures.find((picture) => picture.link === image.getAttribute("src"));
    image.classList.toggle("crisp", image.clientWidth >= 2 * own.width);
  }
}

function slide() {
  stage.style.setProperty("--cut", `${find("slider").value}%`);
}

function slideTo(event) {
  const stack = stage.querySelector(".swipe");
  if (!stack || (event.type === "pointermove" && !event.buttons)) return;
  const box = stack.getBoundingClientRect();
  find("slider").value = (100 * (event.clientX - box.left)) / box.width;
  slide();
}

function close() {
  view.close();
  select(current);
  remember();
}

new ResizeObserver(() => view.open && fit()).observe(stage);
stage.addEventListener("pointerdown", (event) => {
  if (mode === "swipe") stage.setPointerCapture(event.pointerId);
  slideTo(event);
});
stage.addEventListener("pointermove", slideTo);
find("slider").addEventListener("input", slide);
find("modes").addEventListener("click", (event) => event.target.value && open(current, event.target.value));
find("previous").addEventListener("click", () => step(-1));
find("next").addEventListener("click", () => step(1));
find("close").addEventListener("click", close);
find("swap").addEventListener("click", swap);
view.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});

function swap() {
  wanted = pairOf(picturesOf(current), wanted).map((picture) => picture.label).reverse();
  draw();
}
slide();
