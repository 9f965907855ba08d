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

// The range without rare values that lie far from all others: a few of them would flatten everything else.
function usualRange(values, from, to) {
  const [low, high] = rangeOf(values, from, to, false);
  const stride = Math.max(1, Math.floor((to - from) / 1000));
  const some = [];
  for (let i = from; i < to; i += stride) if (values[i] === values[i]) some.push(values[i]);
  if (some.length < 50) return [low, high];
  some.sort((a, b) => a - b);
  const [least, most] = [some[Math.floor(some.length * 0.02)], some[Math.ceil(some.length * 0.98) - 1]];
  const spread = 1.5 * (most - least);
  return spread ? [Math.max(low, least - spread), Math.min(high, most + spread)] : [low, high];
}

// Draws values[from..to) over xs. Where several share a column of pixels: the first, the extremes and the last of them.
// coarse: the extremes alone. Gives the number of columns.
function trace(context, xs, values, from, to, xScale, yScale, coarse) {
  context.beginPath();
  let column = NaN, first, last, low, high, points = 0, px;
  const flush = () => {
    for (const value of low === high ? [low] : coarse ? [low, high] : [first, low, high, last]) context.lineTo(px, yScale.at(value));
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
  return points;
}

function dots(context, xs, values, from, to, xScale, yScale) {
  for (let i = from; i < to; i++) {
    if (values[i] !== values[i] || (yScale.log && values[i] <= 0)) continue;
    context.beginPath();
    context.arc(xScale.at(xs[i]), yScale.at(values[i]), 2.5, 0, 7);
    context.fill();
  }
}
