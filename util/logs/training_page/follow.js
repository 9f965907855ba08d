// Looks for news every few seconds, also after the end: the run may be continued.
const PAUSE = 2000;

function refresh(changed) {
  if (!news || !run) {
    find("state").className = "failed";
    find("state").textContent = "Data not found. Copy the whole folder web, not only index.html.";
    return;
  }
  refreshStatus();
  if (!changed) return;
  refreshImages();
  refreshCharts();
}

async function follow() {
  let before = null;
  for (;;) {
    if (!document.hidden || !before) {
      const changed = await update();
      if (run && run.id !== before) {
        before = run.id;
        drawOptions();
        const home = [...find("pages").children].find((link) => link.textContent === "All runs");
        if (home) home.hidden = !run.home;
      }
      refresh(changed);
    }
    await new Promise((done) => setTimeout(done, news?.ending ? 5 * PAUSE : PAUSE));
  }
}

document.addEventListener("visibilitychange", async () => document.hidden || refresh(await update()));
find("state").textContent = "Loading data/now.js ...";
follow();
