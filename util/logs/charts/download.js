// A chart as a file: its values, or a picture of it.
function save(content, name) {
  const link = element("a", { href: URL.createObjectURL(content), download: name.replace(/[^\w.-]+/g, "_") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function saveTable(chart) {
  const cell = (value) => (typeof value === "number" ? (value === value ? value : "") : `"${value.replaceAll('"', '""')}"`);
  const lines = [["curve", "epochs", "images", "hours", "value"]];
  for (const { series, table, raw } of chart.visible()) {
    raw.forEach((value, row) => lines.push([series.name, table.x[row], table.images[row], table.hours[row], value]));
  }
  save(new Blob([lines.map((line) => line.map(cell).join(",") + "\n").join("")], { type: "text/csv" }), `${document.querySelector("h1").textContent}_${chart.title}.csv`);
}

function savePicture(chart) {
  const { width, height } = chart.lines;
  const ratio = width / chart.plot.clientWidth;
  const head = Math.round(44 * ratio);
  const canvas = element("canvas", { width, height: height + head });
  const context = canvas.getContext("2d");
  context.fillStyle = colourOf("--surface");
  context.fillRect(0, 0, width, height + head);
  context.scale(ratio, ratio);
  context.fillStyle = colourOf("--text");
  context.font = "600 14px system-ui, sans-serif";
  context.fillText(`${document.querySelector("h1").textContent} · ${chart.title}`, 10, 18);
  context.font = "12px system-ui, sans-serif";
  let x = 10;
  for (const { series } of chart.visible()) {
    context.fillStyle = colourOf(series.colour);
    context.fillRect(x, 31, 14, 3);
    context.fillStyle = colourOf("--text");
    context.fillText(series.name, x + 19, 36);
    x += 34 + context.measureText(series.name).width;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(chart.lines, 0, head);
  canvas.toBlob((picture) => save(picture, `${document.querySelector("h1").textContent}_${chart.title}.png`));
}
