// Where the run stands: state, progress, best scores, hints, commands and options.
const STATES = { done: "Finished", diverged: "Finished, but the losses diverged", failed: "Failed", stopped: "Stopped" };

const clock = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function span(seconds) {
  if (!(seconds < 3.2e9)) return "unknown";
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.round(seconds)} s`;
}

// Of this process's last prints: images a second with all pauses, and how often a print came.
function pace() {
  const { wall, images, data, own } = tables.losses;
  const last = wall.length - 1;
  const first = Math.min(last, Math.max(own, last - 200));
  const since = wall[last] - wall[first];
  const speed = since > 0 ? (images[last] - images[first]) / since : NaN;
  const waits = data.slice(first, last + 1);
  const waited = waits.reduce((sum, one) => sum + one, 0) / waits.length; // seconds of a step
  return { speed, waiting: (waited * speed) / run.step_images, every: since / (last - first) };
}

// The best value of each curve of scores, and its epoch.
function bestScores() {
  const { columns, epoch } = tables.scores;
  const found = [];
  for (const [name, values] of columns) {
    const lower = run.lower_is_better?.[metricOf(name)];
    if (lower === undefined) continue;
    let best = -1;
    values.forEach((value, row) => {
      if (value === value && (best < 0 || (lower ? value < values[best] : value > values[best]))) best = row;
    });
    if (best >= 0) found.push([`best ${name.replace(/^val_/, "")}`, `${text(values[best], 4)} · epoch ${epoch[best]}`]);
  }
  return found;
}

function refreshStatus() {
  const { epoch, iters, lr, hours } = tables.losses;
  const last = epoch.length - 1;
  const { speed, waiting, every } = last < 0 ? {} : pace();
  const done = last < 0 ? 0 : (epoch[last] - 1) * run.epoch_images + iters[last];
  const all = run.last_epoch * run.epoch_images;
  find("done").value = done / all;
  const silent = tell(every);
  const share = `${Math.min(100, Math.floor((100 * done) / all))}%`;
  const mark = news.ending === "failed" ? "failed" : silent ? "silent" : news.ending === "done" ? "✓" : share;
  document.title = `${mark} ${run.name}`;
  const facts = [["progress", `${share}, ${Math.max(0, Math.min(done, all))} of ${all} images`]];
  if (last >= 0) {
    facts.unshift(["epoch", `${epoch[last]} of ${run.last_epoch}`]);
    facts.push(...bestScores(), ["trained for", span(hours[last] * 3600)]);
    if (!news.ending && !silent && done < all) {
      const left = speed ? (all - done) / speed : NaN;
      facts.push(["time left", span(left)]);
      if (left < 3.2e9) facts.push(["finished at", clock(news.time + left)]);
    }
    if (speed) {
      facts.push(["speed", `${text(speed, 3)} images/s`], ["data loading", `${text(100 * Math.min(1, waiting), 2)}%`]);
    }
    facts.push(["learning rate", text(lr[last])]);
  }
  if (run.started) facts.push(["started", clock(run.started)]);
  facts.push(["last update", clock(news.time)], ["device", run.device]);
  find("facts").replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) =>
    element("div", { className: name.startsWith("best") ? "best" : "" }, element("dt", {}, name), element("dd", {}, value))));
  tellNotes();
}

// The state; whether an update is overdue.
function tell(every) {
  const age = Date.now() / 1000 - news.time;
  const silent = !news.ending && age > 60 + 5 * (every || 60);
  const stopped = () => `Stopped at epoch ${tables.losses.epoch.at(-1) ?? 1}. To continue: the same command with --continue_train`;
  find("state").textContent = silent ? `No update for ${span(age)}: the run may have been killed`
    : news.ending === "stopped" ? stopped() : STATES[news.ending] ?? "Running";
  find("state").className = silent ? "failed" : news.ending || "running";
  return silent;
}

// Why it failed, and the watchdog's hints, newest first.
function tellNotes() {
  const all = notes.map(({ epoch, text: words }) => ({ kind: "hint", head: `Epoch ${epoch}`, words })).reverse();
  if (news.ending === "failed") all.unshift({ kind: "failure", head: "Why it stopped", words: news.reason || "See the console output." });
  const key = JSON.stringify(all);
  if (find("notes").dataset.key === key) return;
  find("notes").dataset.key = key;
  find("notes").replaceChildren(...all.map(({ kind, head, words }) =>
    element("li", { className: `card ${kind}` }, element("strong", {}, head), element("p", {}, words))));
}

function drawOptions() {
  const { options, defaults, commands = {} } = run;
  find("commands").hidden = !Object.keys(commands).length;
  find("lines").replaceChildren(...Object.entries(commands).map(([name, line]) => {
    const code = element("code", {}, line);
    const copy = element("button", { type: "button", textContent: "Copy" });
    copy.setAttribute("aria-label", `Copy the command: ${name}`);
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(line);
      } catch { // a browser that lets files do no such thing
        getSelection().selectAllChildren(code);
        return;
      }
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    };
    return element("div", {}, element("span", { className: "muted" }, name), code, copy);
  }));
  const changed = (name) => run.changed.includes(name);
  const names = Object.keys(options).sort((a, b) => changed(b) - changed(a) || (a < b ? -1 : 1));
  find("flags").replaceChildren(...names.map((name) => element("tr", { className: changed(name) ? "changed" : "" },
    element("td", {}, name), element("td", {}, String(options[name])),
    element("td", {}, changed(name) && name in defaults ? `default: ${defaults[name]}` : ""))));
}

find("search").oninput = () => {
  const wanted = find("search").value.trim().toLowerCase();
  for (const row of find("flags").rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
};
