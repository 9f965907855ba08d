// Looks for news every few seconds: new runs, and what running ones have done.
const PAUSE = 5000;

async function follow() {
  for (;;) {
    if (!document.hidden || !listed) {
      await load("runs.js");
      await loadSummaries([...runs.values()].filter((run) => run.has && (!run.summary || !run.summary.ending || run.summary.time < run.time - 5)));
      refreshList();
      const live = [...ticked].some((folder) => runs.get(folder) && !runs.get(folder).summary?.ending);
      if (live) await refreshComparison();
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

follow();
