// The head of the page: scores of what is shown, the distribution of one of them to choose a part of, and its extremes.
const summary = find("summary");
const THUMBS = 3;
const BARS = Math.min(40, Math.max(12, Math.round(2 * Math.sqrt(examples.length))));
let column = summary ? +summary.querySelector("[data-column]").dataset.column : 0;
let chosen = [-Infinity, Infinity]; // range of the filter in that column

const valuesOf = (some, number) => some.map(({ values }) => values[number]).filter((value) => value !== null);

function median(sorted) {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function winsOf(number) {
  const rivals = data.contests.flatMap((contest, other) => (contest === data.contests[number] ? [other] : []));
  const pick = data.lower[number] ? Math.min : Math.max;
  const having = shown.filter(({ values }) => rivals.every((rival) => values[rival] !== null));
  return having.filter(({ values }) => values[number] === pick(...rivals.map((rival) => values[rival]))).length;
}

function writeScores() {
  for (const line of find("scores").querySelectorAll("[data-column]")) {
    const number = +line.dataset.column;
    const values = valuesOf(shown, number).sort((a, b) => a - b);
    const cells = [...line.children].slice(1);
    const ends = data.lower[number] ? [values[0], values.at(-1)] : [values.at(-1), values[0]];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    [mean, median(values), ...ends].forEach((value, place) => {
      const none = !values.length || (place > 1 && data.lower[number] === null);
      cells[place].textContent = none ? "–" : format(value, number);
      cells[place].removeAttribute("title");
    });
    if (cells[4]) {
      const wins = winsOf(number);
      cells[4].textContent = `${wins} of ${values.length}`;
      cells[4].style.setProperty("--share", `${(100 * wins) / (shown.length || 1)}%`);
    }
  }
  markScore();
}

function markScore() {
  for (const line of find("scores").querySelectorAll("[data-column]")) {
    line.classList.toggle("current", +line.dataset.column === column);
    line.querySelector("button").setAttribute("aria-pressed", +line.dataset.column === column);
  }
}

function drawSpread() {
  const all = valuesOf(examples, column);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const width = (high - low) / BARS || 1;
  const count = (values) => {
    const bars = new Array(BARS).fill(0);
    for (const value of values) bars[Math.min(BARS - 1, Math.floor((value - low) / width))] += 1;
    return bars;
  };
  const [whole, part] = [count(all), count(valuesOf(shown, column))];
  const top = Math.max(...whole);
  const path = (bars) => bars.map((bar, place) => (bar ? `M${place + 0.06} 100V${100 - Math.max(2, (96 * bar) / top)}h.88V100z` : "")).join("");
  find("all-bars").setAttribute("d", path(whole));
  find("shown-bars").setAttribute("d", path(part));
  find("low").textContent = format(low, column);
  find("high").textContent = format(high, column);
  const [from, to] = [Math.max(low, chosen[0]), Math.min(high, chosen[1])];
  const place = (value) => (high > low ? (1000 * (value - low)) / (high - low) : 0);
  find("from").value = place(from);
  find("to").value = high > low ? place(to) : 1000;
  find("from").setAttribute("aria-valuetext", format(from, column));
  find("to").setAttribute("aria-valuetext", format(to, column));
  const unbounded = chosen[0] === -Infinity && chosen[1] === Infinity;
  find("brush").style.cssText = unbounded ? "display:none" : `left:${place(from) / 10}%;right:${100 - place(to) / 10}%`;
  find("range").textContent = unbounded ? "drag to choose a range" : `${format(from, column)} to ${format(to, column)}`;
  find("all-values").hidden = unbounded;
}

// A range between 0 and 1000 of the distribution becomes a condition of the filter.
function brush(from, to) {
  const all = valuesOf(examples, column);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const at = (place) => (low + ((high - low) * place) / 1000).toFixed(data.decimals[column] + 1);
  const key = data.keys[column];
  let condition = `${key}=${at(from)}..${at(to)}`;
  if (from <= 0 && to >= 1000) condition = "";
  else if (from <= 0) condition = `${key}<=${at(to)}`;
  else if (to >= 1000) condition = `${key}>=${at(from)}`;
  find("filter").value = withCondition(column, condition);
  rearrange();
}

function drawEnds() {
  const having = shown.filter(({ values }) => values[column] !== null).sort((a, b) => a.values[column] - b.values[column]);
  if (data.lower[column] === true) having.reverse(); // the worst first
  if (having.length <= THUMBS) return find("ends").replaceChildren(); // the list shows as much
  const middle = Math.max(0, Math.floor((having.length - THUMBS) / 2));
  const undirected = data.lower[column] === null;
  const parts = having.length < 3 * THUMBS
    ? [[undirected ? "Smallest to largest" : "Worst to best", having]]
    : [
        [undirected ? "Smallest" : "Worst", having.slice(0, THUMBS)],
        ["Typical", having.slice(middle, middle + THUMBS)],
        [undirected ? "Largest" : "Best", having.slice(-THUMBS)],
      ];
  find("ends").replaceChildren(...parts.map(([title, some]) => {
    const part = newElement("div", "", { className: "end" });
    const strip = newElement("div", "", { className: "strip" });
    strip.append(...some.map(newThumb));
    part.append(newElement("p", title, { className: "small muted" }), strip);
    return part;
  }));
}

function newThumb(example) {
  const pictures = picturesOf(example);
  const picture = pictures.find(({ label }) => label === data.places[column]) || pairOf(pictures, wanted)[0];
  const value = format(example.values[column], column);
  const button = newElement("button", "", { type: "button", title: `${example.name}: ${data.keys[column]} ${value}` });
  button.setAttribute("aria-label", `${example.name}, ${data.keys[column]} ${value}: open in the large view`);
  const image = newImage(picture);
  if (picture.width <= 36) image.className = "crisp";
  button.append(image, newElement("span", value));
  button.addEventListener("click", () => open(example));
  return button;
}

let summarized = null;
function summarize(conditions) {
  if (!summary) return;
  chosen = [-Infinity, Infinity];
  for (const { column: number, range } of conditions) {
    if (number === column) chosen = [Math.max(chosen[0], range[0]), Math.min(chosen[1], range[1])];
  }
  if (shown !== summarized && (summarized || shown.length < examples.length)) writeScores();
  else markScore();
  summarized = shown;
  drawSpread();
  drawEnds();
}

function show(number) {
  column = number;
  find("which").value = column;
  summarize(parse(find("filter").value).conditions);
}

function buildSummary() {
  const spread = find("spread");
  const bar = newElement("div", "", { className: "bar" });
  const label = newElement("label", "Distribution of ");
  const which = newElement("select", "", { id: "which" });
  which.append(...data.keys.map((key, number) => new Option(key, number)));
  which.value = column;
  which.addEventListener("change", () => show(+which.value));
  label.append(which);
  const clear = newElement("button", "All", { type: "button", id: "all-values", title: "Choose the whole range" });
  clear.setAttribute("aria-label", "Choose the whole range");
  clear.addEventListener("click", () => brush(0, 1000));
  bar.append(label);
  const plot = newElement("div", "", { id: "histogram" });
  plot.innerHTML = `<svg viewBox="0 0 ${BARS} 100" preserveAspectRatio="none" aria-hidden="true"><path id="all-bars"/><path id="shown-bars"/></svg>` +
    '<div id="brush"></div><input type="range" id="from" min="0" max="1000" value="0" aria-label="From"><input type="range" id="to" min="0" max="1000" value="1000" aria-label="To">';
  const axis = newElement("div", "", { className: "axis small muted number" });
  const range = newElement("span", "", { id: "range" });
  axis.append(newElement("span", "", { id: "low" }), range, clear, newElement("span", "", { id: "high" }));
  spread.append(bar, plot, axis);
  for (const line of find("scores").querySelectorAll("[data-column]")) {
    const name = line.querySelector("th span");
    const button = newElement("button", name.textContent, { type: "button", title: name.title });
    button.addEventListener("click", () => show(+line.dataset.column));
    name.replaceWith(button);
  }
  find("from").addEventListener("input", () => brush(Math.min(+find("from").value, +find("to").value), +find("to").value));
  find("to").addEventListener("input", () => brush(+find("from").value, Math.max(+find("from").value, +find("to").value)));

  // Dragging marks a range; a click without one clears it.
  let start = null;
  const at = (event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(1000, Math.max(0, (1000 * (event.clientX - box.left)) / box.width));
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.target.matches("input")) return;
    start = at(event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => {
    if (start !== null && Math.abs(at(event) - start) > 8) brush(Math.min(start, at(event)), Math.max(start, at(event)));
  });
  plot.addEventListener("pointerup", (event) => {
    if (start !== null && Math.abs(at(event) - start) <= 8) brush(0, 1000);
    start = null;
  });
  find("spread").hidden = find("ends").hidden = examples.length <= THUMBS; // the list shows as much
}
if (summary) buildSummary();
