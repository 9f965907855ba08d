// Difference maps. Pages opened as files may not read pixels, so CSS subtracts and an SVG filter gives colours.
let gain = 4;
const signed = () => find("signed").checked; // left - right, not |left - right|
const mapClass = () => (signed() ? "stack heat signed" : "stack heat");

// Mean of the three channels' differences, amplified; colours follow from it in heat.svg. The signed ones are around 1/2.
function grade() {
  const matrix = (offset) => `${gain / 3} ${gain / 3} ${gain / 3} 0 ${offset} `.repeat(3) + "0 0 0 0 1";
  find("mean").setAttribute("values", matrix(0));
  find("signed-mean").setAttribute("values", matrix((1 - gain) / 2));
  const most = Math.round(255 / gain);
  find("least").textContent = signed() ? `−${most}` : "0";
  find("limit").textContent = signed() ? `+${most} levels` : `${gain > 1 ? "≥ " : ""}${most} levels`;
  find("grade").classList.toggle("signed", signed());
}

// In the list only examples near the window get a map.
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    for (const article of target.children) {
      article.querySelector("figure.map")?.remove();
      if (isIntersecting) article.querySelector(".row").append(newMap(exampleOf.get(article)));
    }
  }
}, { rootMargin: "600px" });

function newMap(example) {
  const [left, right] = pairOf(picturesOf(example), wanted);
  const figure = newElement("figure", "", { className: "map" });
  const stack = newElement("div", "", { className: mapClass() });
  stack.style.aspectRatio = `${left.width} / ${left.height}`;
  stack.append(...[left, right].map((picture) => newImage(picture)));
  for (const image of stack.children) image.setAttribute("width", left.width);
  figure.append(stack, newElement("figcaption", signed() ? `(${left.label} - ${right.label}) × ${gain}` : `|${left.label} - ${right.label}| × ${gain}`));
  return figure;
}

function refreshHeat() {
  near.disconnect();
  for (const { node } of examples) node.querySelector("figure.map")?.remove();
  if (find("heat").checked) for (const section of list.children) near.observe(section);
}

find("heat").addEventListener("change", () => {
  resize();
  refreshHeat();
});
function regrade() {
  gain = +find("gain").value;
  grade();
  refreshHeat();
  if (view.open) draw();
}
find("gain").addEventListener("change", regrade);
find("signed").addEventListener("change", regrade);
grade();
