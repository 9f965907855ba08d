// What is typed into the filter: "coast l1>0.1 psnr=20..25" are words that the name must hold, and conditions.
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
const NUMBER = "-?(?:\\d+(?:[.,]\\d+)?|[.,]\\d+)(?:e[+-]?\\d+)?";
const CONDITIONS = data.keys
  .map((key, column) => [key, column])
  .sort((a, b) => b[0].length - a[0].length) // "rec_A l1" before "l1"
  .map(([key, column]) => [
    column,
    new RegExp(`(^|\\s)${escaped(key)}\\s*(<=|>=|<|>|=)\\s*(${NUMBER})(?:\\.\\.(${NUMBER}))?(?=\\s|$)`, "gi"),
    new RegExp(`(^|\\s)${escaped(key)}\\s*(?:<=|>=|<|>|=)\\S*`, "gi"),
  ]);
const numberOf = (text) => +text.replace(",", ".");

// The values that a condition lets through, [low, high], and whether both ends count.
function rangeOf(sign, text, end) {
  const value = numberOf(text);
  if (sign === "=" && end) return [value, numberOf(end), true];
  // As many decimals as were typed: l1=0.07 is all that is shown so.
  if (sign === "=") {
    const half = /e/i.test(text) ? 0 : 0.5 / 10 ** (text.split(/[.,]/)[1] || "").length;
    return [value - half, value + half, true];
  }
  const equal = sign.length === 2;
  return sign[0] === "<" ? [-Infinity, value, equal] : [value, Infinity, equal];
}

function parse(text) {
  const conditions = [], problems = [];
  for (const [column, whole] of CONDITIONS) {
    text = text.replace(whole, (_, space, sign, number, end) => {
      conditions.push({ column, range: rangeOf(sign, number, end && sign === "=" ? end : "") });
      return " ";
    });
  }
  for (const [column, , begun] of CONDITIONS) {
    text = text.replace(begun, (found) => {
      problems.push(`“${found.trim()}” needs a number, such as ${data.keys[column]}>0.1 or ${data.keys[column]}=0.05..0.1.`);
      return " ";
    });
  }
  const words = text.toLowerCase().split(/\s+/).filter((word) => {
    const key = word.match(/^([^<>=]+)(?:<=|>=|<|>|=)/);
    if (!key || examples.some((example) => example.name.toLowerCase().includes(word))) return word;
    const known = data.keys.length ? `There ${data.keys.length > 1 ? "are" : "is"} ${data.keys.join(", ")}.` : "This page has no numbers.";
    problems.push(`No number is called “${key[1]}”. ${known}`);
    return false;
  });
  return { words, conditions, problems };
}

function meets(value, [low, high, equal]) {
  return value !== null && (equal ? value >= low && value <= high : value > low && value < high);
}

function matcher({ words, conditions }) {
  const starred = find("starred").getAttribute("aria-pressed") === "true";
  return ({ name, values, starred: has }) =>
    (has || !starred) &&
    words.every((word) => name.toLowerCase().includes(word)) &&
    conditions.every(({ column, range }) => meets(values[column], range));
}

// The filter with another condition on a column, in place of those it has.
function withCondition(column, condition) {
  const others = CONDITIONS.find((each) => each[0] === column)[1];
  return [find("filter").value.replace(others, " ").replace(/\s+/g, " ").trim(), condition].filter(Boolean).join(" ");
}
