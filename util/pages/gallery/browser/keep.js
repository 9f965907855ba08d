// Stars, which the browser keeps for this page, and what can be taken away from it: a link, names, a table.
const SHELF = `stars ${location.pathname}`;

function readStars() {
  try {
    const names = new Set(JSON.parse(localStorage.getItem(SHELF) || "[]"));
    for (const example of examples) example.starred = names.has(example.name);
  } catch { /* a browser that keeps nothing for files */ }
}

function star(example) {
  if (!example) return;
  example.starred = !example.starred;
  const names = examples.filter((each) => each.starred).map((each) => each.name);
  try {
    localStorage.setItem(SHELF, JSON.stringify(names));
  } catch { /* it holds until the page is closed */ }
  drawStars([example]);
  if (view.open) drawStar();
}

function drawStars(some) {
  for (const { node, starred, name } of some) {
    const button = node.querySelector(".star");
    button.setAttribute("aria-pressed", starred);
    button.setAttribute("aria-label", `Star for ${name}`);
  }
  find("starred").textContent = `★ ${examples.filter((each) => each.starred).length}`;
}

function drawStar() {
  find("star").setAttribute("aria-pressed", current.starred);
  find("star").textContent = current.starred ? "★" : "☆";
}

function tell(text) {
  find("exported").value = text;
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = newElement("textarea", text);
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) return tell("The browser does not allow copying.");
  }
  tell(`${what} copied.`);
}

const counted = (some) => `${some.length} ${some.length === 1 ? "name" : "names"}`;
const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

function table() {
  const lines = shown.map(({ name, starred, values }) => [name, starred ? 1 : 0, ...values.map((value) => value ?? "")]);
  return [["name", "starred", ...data.keys], ...lines].map((line) => line.map((cell) => quoted(`${cell}`)).join(",")).join("\n") + "\n";
}

function download() {
  const link = newElement("a", "", { download: "examples.csv" });
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  tell(`${counted(shown)} with numbers written.`);
}

for (const { node } of examples) {
  const button = newElement("button", "★", { type: "button", className: "star", title: "Mark with a star (f)" });
  node.firstChild.after(button);
}
readStars();
drawStars(examples);
find("starred").addEventListener("click", () => {
  find("starred").setAttribute("aria-pressed", find("starred").getAttribute("aria-pressed") !== "true");
  rearrange();
});
find("star").addEventListener("click", () => star(current));
find("copy-link").addEventListener("click", () => copy(location.href, "Link"));
find("copy-names").addEventListener("click", () => copy(shown.map(({ name }) => name).join("\n") + "\n", counted(shown)));
find("csv").addEventListener("click", download);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
