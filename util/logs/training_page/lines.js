// Series: a column of a table with a colour, its smoothed values, and its line.
const STEPS = [[], [6, 3], [2, 2], [8, 3, 2, 3]]; // dashes for the second eight series and on

class Series {
  constructor(name, number) {
    this.name = name;
    this.colour = `--series-${number % 8}`;
    this.dashes = STEPS[Math.floor(number / 8) % STEPS.length];
    this.hidden = false;
    this.smoothed = [];
    this.factor = 0;
    this.source = null;
  }

  // Exponential moving average, without the pull of the beginning; goes on where it was when values were added.
  smooth(values, factor) {
    if (!factor) return values;
    if (this.source !== values || this.factor !== factor) {
      Object.assign(this, { source: values, factor, smoothed: [], mean: 0, weight: 0 });
    }
    for (let i = this.smoothed.length; i < values.length; i++) {
      const value = values[i];
      if (value === value) {
        this.mean = factor * this.mean + (1 - factor) * value;
        this.weight = factor * this.weight + 1 - factor;
      }
      this.smoothed.push(value === value ? this.mean / this.weight : NaN);
    }
    return this.smoothed;
  }
}

function rangeOf(values, from, to, positive) {
  let low = Infinity, high = -Infinity;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value < low && (!positive || value > 0)) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Draws values[from..to) over xs. Where several share a column of pixels: the first, the extremes and the last of them.
function trace(context, xs, values, from, to, xScale, yScale) {
  context.beginPath();
  let column = NaN, first, last, low, high, points = 0, px;
  const flush = () => {
    for (const value of low === high ? [low] : [first, low, high, last]) context.lineTo(px, yScale.at(value));
    points += 1;
  };
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value !== value || (yScale.log && value <= 0)) continue;
    const x = xScale.at(xs[i]);
    if (Math.floor(x) === column) {
      if (value < low) low = value;
      if (value > high) high = value;
      last = value;
      continue;
    }
    if (column === column) flush();
    column = Math.floor(x);
    px = x;
    first = last = low = high = value;
  }
  if (column === column) flush();
  context.stroke();
  if (points > 40) return;
  for (let i = from; i < to; i++) { // few points: show them
    if (values[i] === values[i]) context.fillRect(xScale.at(xs[i]) - 2, yScale.at(values[i]) - 2, 4, 4);
  }
}
