// The part of the address that leads back to what is shown. The large view is a step in the browser's history: Back closes it.
let remembering = 0;
const address = () => "#" + new URLSearchParams(state());

// Not at once: browsers refuse to change the address a hundred times in a row.
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(history.state, "", address()), 150);
}

function enter() {
  if (recalling) return;
  clearTimeout(remembering);
  history.replaceState(history.state, "", address());
  history.pushState({ entered: true }, "", address());
}

function leave() {
  clearTimeout(remembering);
  if (recalling) return;
  if (history.state?.entered) history.back();
  else remember();
}

function state() {
  const sort = find("sort");
  const parts = {
    sort: sort.value && sort.selectedOptions[0].text,
    filter: find("filter").value,
    starred: find("starred").getAttribute("aria-pressed") === "true" ? "1" : "",
  };
  if (view.open) Object.assign(parts, { show: current.name, mode });
  return Object.entries(parts).filter(([, value]) => value);
}

let recalling = false;
function recall() {
  recalling = true;
  const parts = new URLSearchParams(location.hash.slice(1));
  const option = [...find("sort").options].find((each) => each.text === parts.get("sort"));
  find("sort").value = option ? option.value : "";
  find("filter").value = parts.get("filter") || "";
  find("starred").setAttribute("aria-pressed", parts.get("starred") === "1");
  arrange();
  const example = examples.find((each) => each.name === parts.get("show"));
  if (example) open(example, MODES.includes(parts.get("mode")) ? parts.get("mode") : mode);
  else if (view.open) close();
  recalling = false;
}

const MODES = [...find("modes").children].map((button) => button.value);
find("tools").hidden = false;
addEventListener("popstate", recall);
resize();
recall();
