// What has been loaded: rows of numbers by kind, and which images there are.
const arrived = new Map(); // number of a chunk -> what its file called
let news = null; // of now.js
let run = null; // of run.js
let taken = 0; // events
let tables = emptyTables();
let epochs = new Map(); // epoch -> {labels, version}: images of the training set
let examples = new Map(); // epoch -> {labels, version, suffix}: the fixed examples
let notes = []; // hints: {epoch, text}

window.page = {
  now: (content) => { news = content; },
  run: (content) => { run = content; },
  chunk: (id, number, events) => arrived.set(number, { id, events }),
};

function forget() {
  taken = 0;
  tables = emptyTables();
  epochs = new Map();
  examples = new Map();
  notes = [];
  arrived.clear();
}

// Runs a script of data/. The query keeps browsers from giving back an older one.
function load(file, version = Date.now()) {
  return new Promise((done) => {
    const script = document.createElement("script");
    script.src = `data/${file}?${version}`;
    script.onload = script.onerror = () => { script.remove(); done(); };
    document.head.append(script);
  });
}

// Takes in all that is new; says whether there was any.
async function update() {
  await load("now.js");
  if (!news) return false;
  const { id, events } = news;
  if (run?.id !== id) {
    await load("run.js");
    forget();
    if (run?.id !== id) return false; // it is being written: next time
  } else if (taken >= events) return false;
  while (taken < events) {
    const first = Math.floor(taken / run.size);
    const last = Math.min(first + 32, Math.ceil(events / run.size));
    const numbers = Array.from({ length: last - first }, (_, i) => first + i);
    await Promise.all(numbers.map((number) => load(`${String(number).padStart(5, "0")}.js`, `${id}-${events}`)));
    for (const number of numbers) if (!take(number, id)) return true;
  }
  return true;
}

// Adds what is new in a chunk; says whether anything was.
function take(number, id) {
  const chunk = arrived.get(number);
  arrived.delete(number);
  if (chunk?.id !== id) return false;
  const added = chunk.events.slice(taken - number * run.size);
  added.forEach(addEvent);
  return added.length > 0;
}

function addEvent([kind, ...content]) {
  if (kind === "images") epochs.set(content[0], { version: content[1], labels: content[2] });
  else if (kind === "examples") examples.set(content[0], { version: content[1], labels: content[2], suffix: content[3] });
  else if (kind === "note") notes.push({ epoch: content[0], text: content[1] });
  else if (kind in tables) {
    if (taken < run.before) tables[kind].own = tables[kind].x.length + 1;
    addRow(tables, kind, content, run.started);
  }
  taken += 1;
}
