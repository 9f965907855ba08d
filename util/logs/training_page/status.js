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

// Where the training stands: told with the news, otherwise by its last losses.
function position() {
  const { epoch, iters, images } = tables.losses;
  const [at, seen, trained] = news.at ?? [epoch.at(-1) ?? 1, iters.at(-1) ?? 0, images.at(-1) ?? 0];
  const ended = !seen && (news.ending === "done" || news.ending === "diverged");
  return { epoch: ended ? at - 1 : at, seen, done: (at - 1) * run.epoch_images + seen, images: trained };
}

// Seconds of training in all processes of the run.
function trainedFor() {
  const { hours, own } = tables.losses;
  return news.trained === undefined ? 3600 * (hours.at(-1) ?? NaN) : 3600 * (hours[own - 1] ?? 0) + news.trained;
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
  const { lr } = tables.losses;
  const { speed: printed, waiting, every } = lr.length ? pace() : {};
  const { epoch, done, images } = position();
  const speed = printed || (images - run.from) / news.trained; // before a second print
  const all = run.last_epoch * run.epoch_images;
  find("done").value = done / all;
  const silent = tell(every);
  const share = `${Math.min(100, Math.floor((100 * done) / all))}%`;
  const mark = news.ending === "failed" ? "failed" : silent ? "silent" : news.ending === "done" ? "✓" : share;
  document.title = `${mark} ${run.name}`;
  const facts = [["epoch", `${epoch} of ${run.last_epoch}`], ["progress", `${share}, ${Math.max(0, Math.min(done, all))} of ${all} images`]];
  facts.push(...bestScores());
  if (trainedFor() >= 0) facts.push(["trained for", span(trainedFor())]);
  if (speed > 0) {
    const left = (all - done) / speed;
    if (!news.ending && !silent && left > 0) facts.push(["time left", span(left)]);
    if (!news.ending && !silent && left > 0 && left < 3.2e9) facts.push(["finished at", clock(news.time + left)]);
    facts.push(["speed", `${text(speed, 3)} images/s`]);
  }
  if (printed) facts.push(["data loading", `${text(100 * Math.min(1, waiting), 2)}%`]);
  if (lr.length) facts.push(["learning rate", text(lr.at(-1))]);
  if (run.started) facts.push(["started", clock(run.started)]);
  facts.push(["last update", clock(news.time)], ["device", run.device]);
  find("facts").replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) =>
    element("div", { className: name.startsWith("best") ? "best" : "" }, element("dt", {}, name), element("dd", {}, value))));
  tellNotes();
  tellFirst(images);
}

// Before the first losses, when they come: util/logs/reporter.py decides that.
function tellFirst(images) {
  const epoch = Math.ceil(10 / run.epoch_images) * run.epoch_images;
  const first = Math.min(run.options.print_freq, epoch, run.last_epoch * run.epoch_images);
  find("first").hidden = tables.losses.x.length || news.ending || !(first > images);
  find("first").textContent = `The first numbers come after ${first} images; ${images} so far.`;
}

// The state; whether an update is overdue.
function tell(every) {
  const age = Date.now() / 1000 - news.time;
  const silent = !news.ending && age > 60 + 5 * (every || 60);
  const stopped = () => {
    const { epoch, seen } = position();
    return `Stopped at epoch ${epoch} of ${run.last_epoch}, image ${seen} of ${run.epoch_images}. To continue: the same command with --continue_train`;
  };
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
