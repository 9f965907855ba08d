// The keyboard, clicks in the list, and the part of the address that leads back to what is shown.
function select(example) {
  if (!example) return;
  current = example;
  example.node.tabIndex = -1;
  example.node.scrollIntoView({ block: "nearest" });
  example.node.focus({ preventScroll: true });
}

function move(by) {
  const place = shown.indexOf(current);
  if (place >= 0) return select(shown[Math.min(Math.max(place + by, 0), shown.length - 1)]);
  const top = find("tools").getBoundingClientRect().bottom;
  select(shown.find((example) => example.node.getBoundingClientRect().bottom > top + 20));
}

const EVERYWHERE = {
  "?": () => find("help").showModal(),
};
const IN_LIST = {
  ArrowDown: () => move(1),
  j: () => move(1),
  ArrowUp: () => move(-1),
  k: () => move(-1),
  "/": () => find("filter").focus(),
};
const IN_VIEW = {
  ArrowRight: () => step(1),
  ArrowDown: () => step(1),
  j: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowUp: () => step(-1),
  k: () => step(-1),
  a: () => open(current, "all"),
  o: () => open(current, "one"),
  s: () => open(current, "swipe"),
  d: () => open(current, "difference"),
  x: swap,
  ",": () => nudge(-5),
  ".": () => nudge(5),
};

function nudge(by) {
  find("slider").value = +find("slider").value + by;
  slide();
}

function actionOf(event) {
  if (view.open) {
    const digit = event.code.match(/^(?:Digit|Numpad)([1-9])$/);
    if (digit) return () => choose(event.shiftKey ? 1 : 0, digit[1] - 1);
    return IN_VIEW[event.key] || EVERYWHERE[event.key];
  }
  const opens = event.key === "Enter" || event.key === " ";
  if (opens && current && event.target === current.node) return () => open(current);
  return IN_LIST[event.key] || EVERYWHERE[event.key];
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("select, input:not([type=checkbox], [type=range])");
  const sliding = event.target.matches("[type=range]") && /^(Arrow|Home|End|Page)/.test(event.key);
  if (typing || sliding || event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
});

list.addEventListener("click", (event) => {
  const example = exampleOf.get(event.target.closest("article"));
  if (!example || event.ctrlKey || event.metaKey || event.shiftKey) return;
  current = example;
  if (event.target.closest("figure.map")) open(example, "difference");
  else if (event.target.matches("figure img")) {
    event.preventDefault();
    open(example);
  }
});
find("keys").addEventListener("click", () => find("help").showModal());

// Not at once: browsers refuse to change the address a hundred times in a row.
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", "#" + new URLSearchParams(state())), 150);
}

function state() {
  const sort = find("sort");
  const parts = { sort: sort.value && sort.selectedOptions[0].text, filter: find("filter").value };
  if (view.open) Object.assign(parts, { show: current.name, mode });
  return Object.entries(parts).filter(([, value]) => value);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const option = [...find("sort").options].find((each) => each.text === parts.get("sort"));
  find("sort").value = option ? option.value : "";
  find("filter").value = parts.get("filter") || "";
  arrange();
  const example = examples.find((each) => each.name === parts.get("show"));
  if (example) open(example, MODES.includes(parts.get("mode")) ? parts.get("mode") : mode);
  else if (view.open) close();
}

const MODES = [...find("modes").children].map((button) => button.value);
find("tools").hidden = false;
window.addEventListener("hashchange", recall);
recall();
