// Rows of numbers of one run, by kind.
const GIVEN = ["epoch", "iters", "images", "x", "seconds", "data", "lr", "wall"]; // as an event has them
const BREAK = 600; // seconds more than a print takes, from which on nothing was trained in between

class Table {
  constructor() {
    for (const name of [...GIVEN, "rate", "hours"]) this[name] = [];
    this.columns = new Map(); // name -> values
    this.own = 0; // row of the first that the process which runs now has logged
  }

  // hours: of the run so far, where the time since the last row does not tell. started: the process that runs now, in seconds since 1970.
  add(content, hours, started) {
    const values = content[GIVEN.length];
    const rows = this.x.length;
    GIVEN.forEach((name, place) => this[name].push(content[place] ?? NaN)); // not known, as of old runs
    const since = this.wall[rows] - this.wall[rows - 1];
    const images = this.images[rows] - this.images[rows - 1];
    this.rate.push(since > 0 ? images / since : NaN);
    const computed = images * (this.seconds[rows] + this.data[rows]);
    const first = rows === this.own && this.wall[rows] >= started;
    const worked = first ? this.wall[rows] - started : since >= 0 && !(since > BREAK + 20 * computed) ? since : computed || 0;
    this.hours.push(hours ?? (this.hours[rows - 1] ?? 0) + (worked || 0) / 3600);
    for (const name of Object.keys(values)) {
      if (!this.columns.has(name)) this.columns.set(name, Array(rows).fill(NaN));
    }
    for (const [name, column] of this.columns) column.push(values[name] ?? NaN);
  }
}

const emptyTables = () => ({ losses: new Table(), scores: new Table(), health: new Table() });

function addRow(tables, kind, content, started) {
  tables[kind].add(content, kind === "losses" ? undefined : tables.losses.hours.at(-1) ?? 0, started);
}

// val_psnr, val_rec_psnr_A and val_psnr_B_ema are all psnr.
const metricOf = (name) => name.replace(/^val_(rec_)?/, "").replace(/_ema$/, "").replace(/_[AB]$/, "");
