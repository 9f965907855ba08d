import { acceptFiles } from "./files.js";

const $ = (id) => document.getElementById(id);
for (const place of document.querySelectorAll(".server")) place.textContent = location.origin;

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

function show(box, blob, alt) {
  const image = Object.assign(document.createElement("img"), { src: URL.createObjectURL(blob), alt });
  image.onload = () => URL.revokeObjectURL(image.src);
  // Browsers show no TIFF.
  image.onerror = () => box.replaceChildren(Object.assign(document.createElement("span"), { className: "muted", textContent: `${alt}: a file that browsers cannot show` }));
  box.replaceChildren(image);
}

// The newest picture counts: the answer to an older one is not shown.
let newest = 0;
async function translate(file) {
  const mine = ++newest;
  show($("input"), file, "Input");
  $("output").setAttribute("aria-busy", true);
  $("download").hidden = true;
  $("time").textContent = "";
  say("Translating …");
  const start = performance.now();
  try {
    const form = new FormData();
    form.append("image", file);
    const answer = await fetch("/translate", { method: "POST", body: form });
    if (!answer.ok) throw new Error((await answer.json()).detail ?? answer.statusText);
    const result = await answer.blob();
    if (mine !== newest) return;
    show($("output"), result, "Output");
    $("time").textContent = `${((performance.now() - start) / 1000).toFixed(2)} s`;
    URL.revokeObjectURL($("download").href);
    const ending = result.type === "image/tiff" ? "tif" : "png";
    Object.assign($("download"), { href: URL.createObjectURL(result), download: `${file.name.replace(/\.[^.]*$/, "") || "picture"}_translated.${ending}`, hidden: false });
    say("");
  } catch (error) {
    if (mine !== newest) return;
    $("output").replaceChildren();
    say(error instanceof TypeError ? "The server does not answer." : `Not translated: ${error.message}`, true);
  } finally {
    if (mine === newest) $("output").setAttribute("aria-busy", false);
  }
}

$("choose").onclick = () => $("file").click();
acceptFiles($("file"), translate);
