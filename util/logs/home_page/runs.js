// What has been loaded of each run: its summary and, when it is compared, its curves.
const runs = new Map(); // folder -> {folder, page, time, summary, tables}
let current = null; // the run whose summary is being loaded
let listed = false;
const arrivals = { run: null, now: null, chunks: new Map() }; // of the run whose data are being loaded

window.home = {
  runs: (entries) => {
    listed = true;
    for (const entry of entries) runs.set(entry.folder, { ...runs.get(entry.folder), ...entry, has: entry.summary, summary: runs.get(entry.folder)?.summary });
    for (const folder of [...runs.keys()]) if (!entries.some((entry) => entry.folder === folder)) runs.delete(folder);
  },
  run: (summary) => { current = summary; },
};
window.page = {
  run: (content) => { arrivals.run = content; },
  now: (content) => { arrivals.now = content; },
  chunk: (id, number, events) => arrivals.chunks.set(`${id} ${number}`, events),
};

const address = (...parts) => parts.join("/").split("/").map(encodeURIComponent).join("/");

function load(file) {
  return new Promise((done) => {
    const script = element("script", { src: `${file}?${Date.now()}` });
    script.onload = script.onerror = () => { script.remove(); done(); };
    document.head.append(script);
  });
}

// One after the other: a script does not say whose it is.
async function loadSummaries(wanted) {
  for (const run of wanted) {
    current = null;
    await load(`${address(run.folder)}/web/data/summary.js`);
    if (current) run.summary = current;
  }
}

// Loads the curves of a run, as far as they have grown.
async function loadCurves(run) {
  const place = `${address(run.folder)}/web/data`;
  Object.assign(arrivals, { run: null, now: null });
  arrivals.chunks.clear();
  await load(`${place}/now.js`);
  await load(`${place}/run.js`);
  const { run: about, now } = arrivals;
  run.tables ??= emptyTables();
  if (!about || !now || about.id !== now.id) return;
  if (run.id !== about.id) Object.assign(run, { id: about.id, taken: 0, tables: emptyTables() });
  const first = Math.floor(run.taken / about.size);
  const chunks = Math.ceil(now.events / about.size);
  const files = Array.from({ length: Math.max(0, chunks - first) }, (_, i) => first + i);
  await Promise.all(files.map((number) => load(`${place}/${String(number).padStart(5, "0")}.js`)));
  for (const number of files) {
    const events = arrivals.chunks.get(`${about.id} ${number}`);
    if (!events) return;
    for (const [kind, ...content] of events.slice(run.taken - number * about.size)) {
      if (kind in run.tables) addRow(run.tables, kind, content, about.started);
      run.taken += 1;
    }
  }
}
