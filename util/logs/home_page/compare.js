// Examples side by side, a row for each run; of runs with the same ones between inputs and truths.
let shownEpoch = null; // null: each run's newest
let timer = 0;

function refreshImages() {
  const [all, without] = [true, false].map((has) => compared().filter((run) => has === Boolean(run.summary.examples.labels)));
  find("images").hidden = !all.length;
  if (!all.length) return;
  const last = Math.max(...all.map((run) => run.summary.examples.epoch));
  const slider = find("epoch");
  slider.max = last;
  slider.value = shownEpoch ?? last;
  find("which").textContent = shownEpoch === null ? "newest epoch of each run" : `epoch ${shownEpoch}`;
  const groups = new Map(); // runs with the same examples
  for (const run of all) {
    const key = JSON.stringify([run.summary.examples.names, run.summary.examples.labels]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  find("same").textContent = groups.size === 1 ? "The same examples" : "Examples";
  const wanted = [];
  for (const members of groups.values()) {
    const { names, labels } = members[0].summary.examples;
    for (const label of labels) {
      for (const run of label.startsWith("real") ? members.slice(0, 1) : members) {
        const { examples } = run.summary;
        const epoch = Math.min(Math.max(shownEpoch ?? examples.epoch, examples.first), examples.epoch);
        const made = label.startsWith("real") ? label : `${run.folder}: ${label}, epoch ${epoch}`;
        wanted.push({ text: made, colour: label.startsWith("real") ? null : colourNumber(run.folder), count: names.length });
        names.forEach((name, i) => wanted.push({
          src: `${address(run.folder)}/web/${address(exampleFile(examples, label, i + 1, epoch))}?${examples.version}`,
          alt: `${made}, of ${name}`,
        }));
      }
    }
  }
  for (const { folder } of without) wanted.push({ text: `${folder} has no examples yet`, colour: colourNumber(folder) });
  draw(find("examples"), wanted);
  markEpoch(shownEpoch ?? last);
}

// Changes what is there, so that images do not flicker.
function draw(grid, wanted) {
  const kind = (one) => (one.src ? "IMG" : "P");
  if (grid.children.length !== wanted.length || wanted.some((one, i) => grid.children[i].tagName !== kind(one))) {
    grid.replaceChildren(...wanted.map((one) => element(kind(one).toLowerCase())));
  }
  wanted.forEach((one, i) => {
    const place = grid.children[i];
    if (!one.src) {
      place.className = "label small muted";
      if (place.textContent !== one.text) place.textContent = one.text;
      place.style.borderColor = one.colour === null ? "transparent" : `var(--series-${one.colour % 8})`;
      if (one.count) grid.style.setProperty("--count", one.count);
    } else if (place.getAttribute("src") !== one.src) {
      place.onload = () => place.classList.toggle("small-image", 2 * place.naturalWidth <= place.clientWidth);
      Object.assign(place, { src: one.src, alt: one.alt });
    }
  });
}

async function refreshComparison() {
  const wanted = [...ticked].map((folder) => runs.get(folder)).filter(Boolean);
  find("compare").hidden = !wanted.length;
  find("chosen").replaceChildren(...wanted.map((run) => {
    const swatch = element("i");
    swatch.style.background = `var(--series-${colourNumber(run.folder) % 8})`;
    return element("span", { className: "chip" }, swatch, run.folder);
  }));
  for (const run of wanted) await loadCurves(run);
  refreshOverlay();
  refreshImages();
}

function stopPlaying() {
  clearInterval(timer);
  timer = 0;
  find("play").textContent = "▶ Play";
}

function showEpoch(epoch) {
  shownEpoch = epoch >= +find("epoch").max ? null : epoch;
  refreshImages();
}

find("play").onclick = () => {
  if (timer) return stopPlaying();
  find("play").textContent = "❚❚ Pause";
  let epoch = shownEpoch ?? 0;
  timer = setInterval(() => {
    epoch += 1;
    showEpoch(epoch);
    if (epoch >= +find("epoch").max) stopPlaying();
  }, 300);
};
find("epoch").oninput = () => {
  stopPlaying();
  showEpoch(+find("epoch").value);
};
find("clear").onclick = () => {
  ticked.clear();
  refreshList();
  refreshComparison();
};
view.choose = showEpoch;
