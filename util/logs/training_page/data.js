// What has been loaded: rows of numbers by kind, and which images there are.
const find = (id) => document.getElementById(id);
const arrived = new Map(); // number of a chunk -> what its file called
let news = null; // of now.js
let run = null; // of run.js
let taken = 0; // events
let tables = emptyTables();
let epochs = new Map(); // epoch -> {labels, version}

window.page = {
  now: (content) => { news = content; },
  run: (content) => { run = content; },
  chunk: (id, number, events) => arrived.set(number, { id, events }),
};

function emptyTables() {
  const empty = () => ({
    x: [], images: [], epoch: [], iters: [], seconds: [], data: [], lr: [], wall: [], rate: [], columns: new Map(),
    own: 0, // row of the first that the process which runs now has logged
  });
  return { losses: empty(), scores: empty(), health: empty() };
}

function forget() {
  taken = 0;
  tables = emptyTables();
  epochs = new Map();
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
  else addRow(tables[kind], content);
  taken += 1;
}

function addRow(table, [epoch, iters, images, x, ...rest]) {
  const values = rest.pop();
  const [seconds, data, lr, wall] = rest.map((number) => number ?? NaN); // not known, as of old runs
  const rows = table.x.length;
  if (taken < run.before) table.own = rows + 1;
  const since = wall - table.wall[rows - 1];
  table.rate.push(since > 0 ? (images - table.images[rows - 1]) / since : NaN);
  table.x.push(x);
  for (const [name, value] of Object.entries({ epoch, iters, images, seconds, data, lr, wall })) table[name].push(value);
  for (const name of Object.keys(values)) {
    if (!table.columns.has(name)) table.columns.set(name, Array(rows).fill(NaN));
  }
  for (const [name, column] of table.columns) column.push(values[name] ?? NaN);
}
