// Difference maps. Pages opened as files may not read pixels, so CSS subtracts and an SVG filter gives colours.
let gain = 4;

// Mean of the three channels' differences, amplified; colours follow from it in heat.svg.
function grade() {
  const row = `${gain / 3} ${gain / 3} ${gain / 3} 0 0 `;
  find("mean").setAttribute("values", row.repeat(3) + "0 0 0 0 1");
  find("limit").textContent = `${gain > 1 ? "≥ " : ""}${Math.round(255 / gain)} of 255 grey levels`;
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
const exampleOf = new Map(examples.map((example) => [example.node, example]));

function newMap(example) {
  const [left, right] = pairOf(picturesOf(example), wanted);
  const figure = document.createElement("figure");
  figure.className = "map";
  const stack = newStack("heat", [left, right]);
  stack.style.aspectRatio = `${left.width} / ${left.height}`;
  for (const image of stack.children) image.setAttribute("width", left.width);
  const caption = document.createElement("figcaption");
  caption.textContent = `|${left.label} - ${right.label}| × ${gain}`;
  figure.append(stack, caption);
  return figure;
}

function refreshHeat() {
  near.disconnect();
  for (const { node } of examples) node.querySelector("figure.map")?.remove();
  if (find("heat").checked) for (const section of list.children) near.observe(section);
}

find("heat").addEventListener("change", refreshHeat);
find("gain").addEventListener("change", () => {
  gain = +find("gain").value;
  grade();
  refreshHeat();
});
grade();
