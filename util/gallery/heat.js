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
    target.querySelector("figure.map")?.remove();
    if (isIntersecting) target.querySelector(".row").append(newMap(examples[numbers.get(target)]));
  }
}, { rootMargin: "600px" });
const numbers = new Map(examples.map((example) => [example.node, example.number]));

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
  for (const map of list.querySelectorAll("figure.map")) map.remove();
  if (find("heat").checked) for (const example of examples) near.observe(example.node);
}

find("heat").addEventListener("change", refreshHeat);
find("gain").addEventListener("change", () => {
  gain = +find("gain").value;
  grade();
  refreshHeat();
});
grade();
