"""scripts/compare_results.py after its flags: reads the runs, writes their common page."""

from __future__ import annotations

import argparse

from options.wording import count
from scripts.lib.evaluation.examples import collect_examples, link_to
from scripts.lib.evaluation.result_folders import COMPARISONS, SIDES, name_distinctly, read_run
from util.design.links import add_link
from util.errors import InputError
from util.files import make_folder
from util.pages.gallery import write_gallery


def compare_results(options: argparse.Namespace) -> int:
    """Measures and writes the page; returns the exit status."""
    runs = name_distinctly([read_run(folder) for folder in options.folders])
    wanted = [each for each in COMPARISONS if each.source and each.into in SIDES[options.direction]]
    comparisons = [each for each in wanted if any(each.fake in run.files for run in runs)]
    if not comparisons:
        labels = ", ".join(each.fake for each in wanted)
        raise InputError(
            f"no folder holds images {labels}: leave out --direction or give the other one"
        )
    out = make_folder(options.out)
    pages = {run.name: run.folder / "index.html" for run in runs}
    deep = [run.name for run in runs if any(values.deep for values in run.values.values())]
    notes = []
    if deep:
        notes = [
            f"{', '.join(deep)}: files of more than 8 bits, of which this page shows and measures the 8-bit pictures; "
            "scripts/evaluate.py measures them in full."
        ]
    page = collect_examples(runs, comparisons, out, unpaired=options.unpaired)
    write_gallery(
        out / "index.html",
        f"Compare: {', '.join(run.name for run in runs)}",
        page.examples,
        page.columns,
        width=options.display_winsize,
        pair=page.pair,
        verdict=page.verdict,
        notes=[*notes, *page.notes],
        links={name: link_to(path, out) for name, path in pages.items() if path.is_file()},
    )
    for result_page in pages.values():
        add_link(result_page, f"Compare: {', '.join(run.name for run in runs)}", out / "index.html")
    print(
        f"{count(len(page.examples), 'input')}, {count(len(runs), 'run')}; see {out / 'index.html'}"
    )
    return 0
