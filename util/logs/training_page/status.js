// Where the run stands: progress, speed, time left, and its options.
const ENDINGS = { done: "Finished", diverged: "Finished, but the losses diverged: see the console output", failed: "Failed: see the console output" };

const clock = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

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

function refreshStatus() {
  const { epoch, iters, lr } = tables.losses;
  const last = epoch.length - 1;
  const { speed, waiting, every } = last < 0 ? {} : pace();
  const done = last < 0 ? 0 : (epoch[last] - 1) * run.epoch_images + iters[last];
  const all = run.last_epoch * run.epoch_images;
  find("done").value = done / all;
  tell(every);
  const share = `${Math.min(100, Math.floor((100 * done) / all))}%`;
  document.title = `${news.ending === "failed" ? "failed" : share} ${run.name}`;
  const facts = [["progress", `${share}, ${Math.max(0, Math.min(done, all))} of ${all} images`]];
  if (last >= 0) {
    facts.unshift(["epoch", `${epoch[last]} of ${run.last_epoch}`]);
    if (speed) {
      facts.push(["speed", `${text(speed, 3)} images/s`], ["data loading", `${text(100 * Math.min(1, waiting), 2)}%`]);
    }
    facts.push(["learning rate", text(lr[last])]);
    if (!news.ending && done < all) facts.push(["time left", speed ? span((all - done) / speed) : "unknown"]);
  }
  facts.push(["last update", clock(news.time)], ["device", run.device]);
  find("facts").replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

// The state, and whether an update is overdue.
function tell(every) {
  const age = Date.now() / 1000 - news.time;
  const silent = !news.ending && age > 60 + 5 * (every || 60);
  const overdue = `No update for ${span(age)}: the run may have been killed`;
  const stopped = () => `Stopped at epoch ${tables.losses.epoch.at(-1) ?? 1}. To continue: the same command with --continue_train`;
  find("state").textContent = silent ? overdue : news.ending === "stopped" ? stopped() : ENDINGS[news.ending] ?? "Running";
  find("state").className = silent ? "failed" : news.ending || "running";
}

function drawOptions() {
  const { options, defaults } = run;
  const changed = (name) => run.changed.includes(name);
  const names = Object.keys(options).sort((a, b) => changed(b) - changed(a) || (a < b ? -1 : 1));
  find("flags").replaceChildren(...names.map((name) => element("tr", { className: changed(name) ? "changed" : "" },
    element("td", {}, name), element("td", {}, String(options[name])),
    element("td", {}, changed(name) && name in defaults ? `default: ${defaults[name]}` : ""))));
}
