// Sorting, filtering, and the size of pictures in the list.
const byName = new Intl.Collator(undefined, { numeric: true });
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
const SIGNS = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
};

// "coast l1>0.1": words that the name must hold, and conditions that numbers must meet.
function matcher(text) {
  const conditions = [];
  const keys = data.keys.map((key, column) => [key, column]);
  keys.sort((a, b) => b[0].length - a[0].length); // "rec_A l1" before "l1"
  for (const [key, column] of keys) {
    const pattern = new RegExp(`(^|\\s)${escaped(key)}\\s*([<>]=?)\\s*(-?\\d*\\.?\\d+)(?=\\s|$)`, "gi");
    text = text.replace(pattern, (_, space, sign, number) => {
      conditions.push([column, SIGNS[sign], +number]);
      return " ";
    });
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ name, values }) =>
    words.every((word) => name.toLowerCase().includes(word)) &&
    conditions.every(([column, test, number]) => values[column] !== null && test(values[column], number));
}

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
function sections() {
  const found = [];
  for (let start = 0; start < shown.length; start += data.together) {
    const part = shown.slice(start, start + data.together);
    const section = document.createElement("section");
    section.style.setProperty("--count", part.length);
    section.append(...part.map((example) => example.node));
    found.push(section);
  }
  return found;
}

function arrange() {
  const before = shown;
  shown = examples.filter(matcher(find("filter").value)).sort(comparison(find("sort").value));
  if (shown.length !== before.length || shown.some((example, place) => example !== before[place])) {
    list.replaceChildren(...sections());
    refreshHeat();
  }
  const all = examples.length;
  find("count").value = shown.length < all ? `${shown.length} of ${all} examples` : `${all} examples`;
}

// Pictures that are shown at twice their size or more get visible pixels instead of a blur.
const widths = [...new Set([...list.querySelectorAll("img")].map((image) => +image.getAttribute("width")))];
function resize() {
  const size = +find("size").value;
  const crisp = widths.filter((width) => 2 * width <= size).map((width) => `img[width="${width}"]`);
  const rule = crisp.length ? `${crisp}{image-rendering:pixelated}` : "";
  const ratio = getComputedStyle(document.documentElement).getPropertyValue("--ratio");
  find("sizes").textContent = `:root{--size:${size}px;--ratio:${ratio}}${rule}`;
}

function rearrange() {
  arrange();
  remember();
}
find("sort").addEventListener("change", rearrange);
find("filter").addEventListener("input", rearrange);
find("size").addEventListener("input", resize);
find("tools").addEventListener("submit", (event) => event.preventDefault());
