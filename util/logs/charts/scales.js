// Numbers to pixels and to text; and names of colours to what a canvas understands.
const find = (id) => document.getElementById(id);
const probe = document.head.appendChild(document.createElement("span"));
const colours = new Map();
addEventListener("themechange", () => colours.clear());

function colourOf(name) {
  if (!colours.has(name)) {
    probe.style.color = `var(${name})`;
    colours.set(name, getComputedStyle(probe).color);
  }
  return colours.get(name);
}

function scaleOf(low, high, start, end, log = false) {
  const map = log ? Math.log10 : (value) => value;
  const from = map(low);
  const factor = (end - start) / (map(high) - from || 1);
  const back = (pixel) => from + (pixel - start) / factor;
  return { low, high, log, at: (value) => start + (map(value) - from) * factor, invert: log ? (p) => 10 ** back(p) : back };
}

// Round numbers between the ends of a scale.
function ticksOf({ low, high, log }, count) {
  if (log && high / low >= 10) {
    const steps = high / low > 1e3 ? [1] : [1, 2, 5];
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const step of steps) ticks.push(step * 10 ** power);
    }
    const within = ticks.filter((tick) => tick >= low && tick <= high);
    const stride = Math.ceil(within.length / (count + 2));
    return within.filter((_, i) => i % stride === 0);
  }
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const ticks = [];
  for (let i = first; i * step <= high * (1 + 1e-12) && ticks.length < 50; i++) ticks.push(i * step);
  return ticks;
}

function text(value, digits = 5) {
  if (value !== value) return "–";
  const size = Math.abs(value);
  if (value && (size < 1e-3 || size >= 1e7)) return value.toExponential(Math.min(3, digits - 1)).replace(/\.?0+e/, "e").replace("+", "");
  return String(+value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1)))));
}

// Index of the first value that is not below the wanted one, in ascending values.
function firstFrom(values, wanted) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(values, wanted) {
  const after = firstFrom(values, wanted);
  if (after === 0) return 0;
  if (after === values.length) return after - 1;
  return wanted - values[after - 1] <= values[after] - wanted ? after - 1 : after;
}
