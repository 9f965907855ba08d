// Sorting, filtering, and how pictures fill the window.
const byName = new Intl.Collator(undefined, { numeric: true });

function comparison(choice) {
  if (choice === "") return (a, b) => a.number - b.number;
  if (choice === "name") return (a, b) => byName.compare(a.name, b.name) || a.number - b.number;
  const [column, direction] = choice.split(" ");
  const sign = direction === "up" ? 1 : -1;
  return (a, b) => {
    const [x, y] = [a.values[column], b.values[column]];
    if (x === null || y === null) return (x === null) - (y === null) || a.number - b.number;
    return sign * (x - y) || a.number - b.number;
  };
}

// Sections of neighbours, as they come with the page: the browser lays out only those near the window.
let together = data.together; // full lines of examples
function sections() {
  const found = [];
  for (let start = 0; start < shown.length; start += together) {
    const part = shown.slice(start, start + together);
    const section = document.createElement("section");
    section.style.setProperty("--count", part.length);
    section.append(...part.map((example) => example.node));
    found.push(section);
  }
  return found;
}

function renew() {
  list.replaceChildren(...(shown.length ? sections() : [nothing()]));
  refreshHeat();
}

function nothing() {
  const note = newElement("div", "", { className: "card nothing" });
  note.append(newElement("h2", "Nothing matches"), newElement("p", "No example meets this filter."));
  const button = newElement("button", "Clear the filter", { type: "button" });
  button.addEventListener("click", () => {
    find("filter").value = "";
    find("starred").setAttribute("aria-pressed", false);
    rearrange();
    find("filter").focus();
  });
  note.append(button);
  return note;
}

function arrange() {
  const before = shown;
  const asked = parse(find("filter").value);
  shown = examples.filter(matcher(asked)).sort(comparison(find("sort").value));
  if (shown.length !== before.length || !shown.length || shown.some((example, place) => example !== before[place])) renew();
  const all = examples.length;
  find("count").value = shown.length < all ? `${shown.length} of ${all} examples` : all === 1 ? "1 example" : `${all} examples`;
  find("problem").textContent = asked.problems.join(" ");
  find("problem").hidden = !asked.problems.length;
  find("filter").setAttribute("aria-invalid", asked.problems.length > 0);
  summarize(asked.conditions);
}

// As many examples side by side as bring pictures nearest to the wanted size; they grow or shrink to fill the line.
const widths = [...new Set([...list.querySelectorAll("img")].map((image) => +image.getAttribute("width")))];
const across = Math.max(1, ...examples.slice(0, 1000).map(({ node }) =>
  Math.max(...[...node.querySelectorAll(".row")].map((row) => row.children.length))));
const root = document.documentElement;
const ratio = getComputedStyle(root).getPropertyValue("--ratio");
const rows = getComputedStyle(root).getPropertyValue("--lines");
const GAP = 8, PADDING = 26, BETWEEN = 12; // as in list.css

function resize() {
  const size = +find("size").value;
  const width = list.clientWidth - parseFloat(getComputedStyle(list).paddingLeft) * 2;
  const visible = Math.max(1, across - leftOut.size + (find("heat").checked ? 1 : 0));
  // Too many for one line are spread over several of the same length.
  const most = Math.max(Math.min(visible, 3), Math.floor((width - PADDING + GAP) / (0.6 * size + GAP)));
  const lines = Math.ceil(visible / most);
  const line = Math.ceil(visible / lines);
  const card = line * (size + GAP) - GAP + PADDING;
  const columns = lines > 1 ? 1 : Math.max(1, Math.round((width + BETWEEN) / (card + BETWEEN)));
  const cell = ((width + BETWEEN) / columns - BETWEEN - PADDING + GAP) / line - GAP;
  const crisp = widths.filter((own) => 2 * own <= cell).map((own) => `img[width="${own}"]`);
  const hidden = [...leftOut].map((number) => `figure.p${number}`);
  find("sizes").textContent =
    `:root{--size:${size}px;--cell:${cell}px;--ratio:${ratio};--across:${line};--lines:${rows * lines};--columns:${columns};` +
    `--grid:repeat(${columns},minmax(0,1fr))}` +
    (cell < 88 ? "figcaption{display:none}" : "") +
    (crisp.length ? `${crisp}{image-rendering:pixelated}` : "") +
    (hidden.length ? `${hidden}{display:none}` : "");
  const whole = columns * Math.max(1, Math.round(data.together / columns));
  if (whole !== together) {
    together = whole;
    renew();
  }
}

function rearrange() {
  arrange();
  remember();
}
find("sort").addEventListener("change", rearrange);
find("filter").addEventListener("input", rearrange);
find("size").addEventListener("input", resize);
find("tools").addEventListener("submit", (event) => event.preventDefault());
find("labels")?.addEventListener("change", ({ target }) => {
  if (target.checked) leftOut.delete(+target.value);
  else leftOut.add(+target.value);
  if (leftOut.size === data.labels.length) {
    leftOut.delete(+target.value);
    target.checked = true; // one has to stay
  }
  resize();
});
addEventListener("resize", resize);
