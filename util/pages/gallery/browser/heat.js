// Difference maps. Pages opened as files may not read pixels, so CSS subtracts and an SVG filter gives colours.
let gain = 4;

// Mean of the three channels' differences, amplified; colours follow from it in heat.svg.
function grade() {
  const row = `${gain / 3} ${gain / 3} ${gain / 3} 0 0 `;
  find("mean").setAttribute("values", row.repeat(3) + "0 0 0 0 1");
  find("limit").textContent = `${Math.round(255 / gain)} levels${gain > 1 ? " or more" : ""}`;
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
  const stack = newElement("div", "", { className: "stack heat" });
  stack.style.aspectRatio = `${left.width} / ${left.height}`;
  stack.append(...[left, right].map((picture) => newImage(picture)));
  for (const image of stack.children) image.setAttribute("width", left.width);
  figure.append(stack, newElement("figcaption", `|${left.label} - ${right.label}| × ${gain}`));
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
find("gain").addEventListener("change", () => {
  gain = +find("gain").value;
  grade();
  refreshHeat();
});
grade();
