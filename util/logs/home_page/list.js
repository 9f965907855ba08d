// The list of runs.
const ticked = new Set(); // folders
const STATES = { done: "Finished", diverged: "Diverged", failed: "Failed", stopped: "Stopped" };
const IGNORED = new Set(["name", "checkpoints_dir", "continue_train", "range_A", "range_B", "gpu_ids", "num_threads", "display_id", "display_env", "print_freq", "verbose", "save_epoch_freq", "save_latest_freq", "log_health", "display_freq", "update_html_freq", "val_images", "examples"]);

function ago(seconds) {
  const since = Date.now() / 1000 - seconds;
  if (since < 90) return "just now";
  if (since < 5400) return `${Math.round(since / 60)} min ago`;
  if (since < 130000) return `${Math.round(since / 3600)} h ago`;
  return new Date(seconds * 1000).toLocaleDateString([], { dateStyle: "medium" });
}

function stateOf({ summary }) {
  if (!summary) return { text: "No summary", kind: "" };
  const { ending, time, every, epoch, last_epoch: last } = summary;
  if (!ending && Date.now() / 1000 - time > 60 + 5 * (every || 60)) return { text: "No update: it may have been killed", kind: "failed" };
  if (!ending) return { text: `Running · epoch ${epoch} of ${last}`, kind: "running" };
  return { text: ending === "done" ? "Finished" : `${STATES[ending] ?? ending} · epoch ${epoch} of ${last}`, kind: ending };
}

// The flags in which runs differ, and for each the value that more than half of them have, if there is one.
function usualFlags() {
  const counts = new Map();
  for (const { summary } of runs.values()) {
    for (const [flag, value] of Object.entries(summary?.options ?? {})) {
      if (IGNORED.has(flag)) continue;
      if (!counts.has(flag)) counts.set(flag, new Map());
      const seen = counts.get(flag);
      seen.set(String(value), (seen.get(String(value)) ?? 0) + 1);
    }
  }
  const usual = new Map();
  for (const [flag, seen] of counts) {
    const all = [...seen.values()].reduce((sum, count) => sum + count, 0);
    if (seen.size > 1) usual.set(flag, [...seen.keys()].find((value) => 2 * seen.get(value) > all));
  }
  return usual;
}

function sparkline({ name, values }) {
  const svg = (tag, properties) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(properties)) one.setAttribute(key, value);
    return one;
  };
  const picture = svg("svg", { viewBox: "0 0 120 32", class: "spark", role: "img", "aria-label": `${name}, from ${text(values[0], 3)} to ${text(values.at(-1), 3)}` });
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((value, i) =>
    `${2 + (116 * i) / Math.max(1, values.length - 1)},${29 - (26 * (value - low)) / (high - low || 1)}`).join(" ");
  picture.append(svg("polyline", { points }));
  return element("figure", {}, picture, element("figcaption", { className: "small muted" }, name));
}

function thumbnails({ folder, summary }) {
  const { examples, images } = summary;
  const at = (file, version) => `${address(folder)}/web/${file.split("/").map(encodeURIComponent).join("/")}?${version}`;
  const strip = element("div", { className: "strip" });
  if (examples.labels) {
    for (const number of examples.names.map((_, i) => i + 1).slice(0, 4)) {
      const made = examples.labels.find((label) => label.startsWith("fake")) ?? examples.labels.at(-1);
      strip.append(element("img", { src: at(exampleFile(examples, made, number, examples.epoch), examples.version), alt: `${made} of ${examples.names[number - 1]}`, loading: "lazy" }));
    }
  } else if (images.labels) {
    for (const label of images.labels.slice(0, 4)) {
      strip.append(element("img", { src: at(`images/epoch${String(images.epoch).padStart(3, "0")}_${label}.png`, images.version), alt: label, loading: "lazy" }));
    }
  }
  return strip;
}

function exampleFile({ suffix }, label, number, epoch) {
  const start = label.startsWith("real") ? "" : `epoch${String(epoch).padStart(3, "0")}_`;
  return `examples/${start}${number}_${label}.${suffix}`;
}

function drawRun(run, usual) {
  const { folder, summary } = run;
  const state = stateOf(run);
  const tick = element("input", { type: "checkbox", checked: ticked.has(folder), disabled: !summary });
  tick.setAttribute("aria-label", `Compare ${folder}`);
  tick.onchange = () => {
    ticked[tick.checked ? "add" : "delete"](folder);
    refreshComparison();
  };
  const name = run.page ? element("a", { href: `${address(folder)}/web/index.html` }, folder) : folder;
  const about = element("div", { className: "about" },
    element("h2", {}, name),
    element("p", { className: "small" }, element("span", { className: `state ${state.kind}` }, state.text), element("span", { className: "muted" }, ` · ${ago(summary?.time ?? run.time)}`)));
  const row = element("li", { className: "card run" }, tick, about);
  if (!summary) return row;
  if (!summary.ending) about.append(element("progress", { max: 1, value: summary.share, ariaLabel: `Progress of ${folder}` }));
  if (summary.reason) about.append(element("p", { className: "small reason", title: summary.reason }, summary.reason.split("\n")[0]));
  else if (summary.hints) about.append(element("p", { className: "small reason" }, `${summary.hints} ${summary.hints === 1 ? "warning" : "warnings"}: see its page`));
  const scores = Object.entries(bestOf(summary)).slice(0, 3).map(([key, [value, epoch]]) =>
    element("div", {}, element("dt", {}, key.replace(/^val_/, "")), element("dd", {}, text(value, 4), element("small", { className: "muted" }, ` epoch ${epoch}`))));
  row.append(element("dl", {}, ...scores));
  if (summary.spark.values.length > 1) row.append(sparkline(summary.spark));
  else row.append(element("figure"));
  row.append(thumbnails(run));
  const flags = [...usual].filter(([flag, value]) => String(summary.options[flag]) !== value && flag in summary.options);
  if (flags.length) row.append(element("p", { className: "flags" }, ...flags.map(([flag]) => element("span", { className: "chip" }, `${flag} ${summary.options[flag]}`))));
  return row;
}

// For each metric the better of raw and averaged weights.
function bestOf(summary) {
  const found = {};
  for (const [name, one] of Object.entries(summary?.best ?? {})) {
    const key = name.replace(/_ema$/, "");
    const [value, , lower] = one;
    if (!found[key] || (lower ? value < found[key][0] : value > found[key][0])) found[key] = one;
  }
  return found;
}

function scoreOf({ summary }) {
  const [value, , lower] = Object.values(bestOf(summary))[0] ?? [];
  if (value === undefined) return Infinity;
  return lower ? value : -value;
}

const ORDERS = {
  time: (a, b) => (b.summary?.time ?? b.time) - (a.summary?.time ?? a.time),
  score: (a, b) => scoreOf(a) - scoreOf(b),
  name: (a, b) => (a.folder < b.folder ? -1 : 1),
};

function refreshList() {
  const words = find("filter").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const usual = usualFlags();
  const shown = [...runs.values()].filter((run) => {
    const flags = Object.entries(run.summary?.options ?? {}).map(([flag, value]) => `${flag} ${flag}=${value} ${value}`);
    const all = `${run.folder} ${flags.join(" ")}`.toLowerCase();
    return words.every((word) => all.includes(word));
  }).sort(ORDERS[find("sort").value]);
  const key = JSON.stringify(shown.map((run) => [run.folder, run.page, run.summary, stateOf(run), ago(run.summary?.time ?? run.time), ticked.has(run.folder)]));
  if (find("runs").dataset.key !== key) {
    const focused = document.activeElement?.getAttribute("aria-label");
    find("runs").dataset.key = key;
    find("runs").replaceChildren(...shown.map((run) => drawRun(run, usual)));
    if (focused?.startsWith("Compare ")) [...find("runs").querySelectorAll("input")].find((one) => one.ariaLabel === focused)?.focus();
  }
  const all = `${runs.size} ${runs.size === 1 ? "run" : "runs"}`;
  find("count").textContent = !listed ? "runs.js not found: train.py writes it beside this page." : shown.length === runs.size ? all : `${shown.length} of ${all}`;
}

find("filter").oninput = refreshList;
find("sort").onchange = refreshList;
