// The keyboard, and clicks in the list.
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
  f: () => star(current),
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
  g: () => find("signed").click(),
  ",": () => nudge(-5),
  ".": () => nudge(5),
  "+": () => zoomTo(zoom * 1.5),
  "=": () => zoomTo(zoom * 1.5),
  "-": () => zoomTo(zoom / 1.5),
  0: () => zoomTo(1),
};
const PANNED = {
  ArrowRight: () => pan(-0.1, 0),
  ArrowLeft: () => pan(0.1, 0),
  ArrowDown: () => pan(0, -0.1),
  ArrowUp: () => pan(0, 0.1),
};

function nudge(by) {
  slider.value = +slider.value + by;
  slide();
}

function actionOf(event) {
  if (view.open) {
    const digit = event.code.match(/^(?:Digit|Numpad)([1-9])$/);
    if (digit) return () => choose(event.shiftKey ? 1 : 0, digit[1] - 1);
    return (event.shiftKey && PANNED[event.key]) || IN_VIEW[event.key] || EVERYWHERE[event.key];
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
  if (event.target.closest(".star")) star(example);
  else if (event.target.closest("figure.map")) open(example, "difference");
  else if (event.target.closest("figure a")) { // also Enter on the link
    event.preventDefault();
    open(example);
  }
});
find("keys").addEventListener("click", () => find("help").showModal());
