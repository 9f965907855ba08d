"""Quality of trained models: real data whose truth is known, several seeds, beside trivial answers.

    python scripts/dev/quality_benchmark.py                            64 pixels, some minutes a training
    python scripts/dev/quality_benchmark.py --budget small             64 pixels, 20 minutes a training
    python scripts/dev/quality_benchmark.py --budget full              128 and 256 pixels, on a GPU
    python scripts/dev/quality_benchmark.py --ablation                 what each part of the methods is worth
    python scripts/dev/quality_benchmark.py --reference DIR            pix2pix and CycleGAN, compared with the original code in DIR

What is done already is not done again, so that a run that was stopped goes on. docs/quality.md has the method and what was found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from options.base_options import PRECISIONS
from scripts.dev.quality.pictures import write_sheet
from scripts.dev.quality.recipes import BUDGETS, Budget, Task, beside_original, parts_of
from scripts.dev.quality.running import Place, jobs_of, run_all
from scripts.dev.quality.scoring import tables_of
from scripts.dev.quality.writing import append, section
from scripts.lib.evaluation.report import text_of
from util.device import describe, select_device
from util.errors import InputError, explain_out_of_memory, run_command
from util.metrics import missing_metrics
from util.script_parser import script_parser

METRICS = ("l1", "psnr", "ssim", "pd_lite0", "kd_lite0", "kd_lite2")


def main(argv: Sequence[str]) -> int:
    """Trains, tests, scores, writes; returns the exit status."""
    options = build_parser().parse_args(argv)
    budget, work = BUDGETS[options.budget], options.work / options.budget
    if options.part != 1:
        budget, work = budget.share(options.part), Path(f"{work}_{options.part:g}")
    if options.precision != "auto":
        budget, work = budget.in_precision(options.precision), Path(f"{work}_{options.precision}")
    device = select_device(options.gpu_ids)
    if absent := missing_metrics(METRICS, {}):
        raise InputError("\n".join(absent.values()))
    place = Place(work.resolve(), budget, options.gpu_ids, options.reference)
    tasks = tasks_of(budget, options)
    wanted = [task for task in tasks if options.only in task.title]
    jobs = jobs_of(wanted, options.seeds)
    if not jobs:
        raise InputError(f"--only {options.only!r} leaves nothing to train")
    at_once = options.jobs or (os.cpu_count() or 1 if device.type == "cpu" else 1)
    print(f"{len(jobs)} trainings, {at_once} at once: {budget.about}")
    print(describe(device, options.gpu_ids), flush=True)
    start = time.perf_counter()
    with explain_out_of_memory():
        for number, job in enumerate(run_all(jobs, place, at_once), 1):
            minutes = (time.perf_counter() - start) / 60
            print(f"{number} of {len(jobs)} done, {minutes:.0f} minutes: {job.name}", flush=True)
        for task in wanted:
            report(task, options.seeds, place, device, options.out)
    print(f"\nappended to {options.out}")
    return 0


def tasks_of(budget: Budget, options: argparse.Namespace) -> Sequence[Task]:
    """Lists what is to be trained. Raises: InputError when --reference is no checkout of the original code."""
    if options.reference is None:
        return parts_of(budget) if options.ablation else budget.tasks
    if options.precision != "auto":
        raise InputError("--precision with --reference: the original code trains in float32 only")
    for name in ("train.py", "test.py", "options"):
        if not (options.reference / name).exists():
            raise InputError(f"--reference {options.reference}: there is no {name}")
    if options.gpu_ids == "-1":
        os.environ["CUDA_VISIBLE_DEVICES"] = (
            ""  # newer versions of the original code know no --gpu_ids
        )
    # The original code's smallest U-Net is for 128 pixels.
    return [
        beside_original(task, "--netG resnet_6blocks" if task.size < 128 else "")
        for task in budget.tasks
    ]


def report(task: Task, seeds: Sequence[int], place: Place, device: torch.device, out: Path) -> None:
    """Prints a task's tables, appends them to a page, and draws pictures of the translations."""
    tables = tables_of(task, seeds, place, METRICS, device)
    for table in tables:
        print(f"\n{task.title}: {text_of(table)}")
        if table.comparison.source:
            name = f"{task.title} {table.comparison.title}".replace(": ", " ").replace(" ", "_")
            print(f"pictures: {write_sheet(place.work / 'pictures' / f'{name}.png', table)}")
    about = f"{place.budget.about}; seeds {', '.join(map(str, seeds))}; PyTorch {torch.__version__}"
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    append(out, section(task.title, f"{date.today()}, {machine}, {about}.", tables))


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("--budget", choices=sorted(BUDGETS), default="quick", help="how much training (default: %(default)s)")
    add("--part", type=float, default=1.0, help="of the budget's epochs, such as 0.1 (default: all)")
    add("--precision", choices=PRECISIONS, default="auto", help="of the trainings (default: as train.py chooses)")
    add("--ablation", action="store_true", help="parts of pix2pix and of CycleGAN instead of whole methods")
    add("--reference", type=folder, metavar="DIR", help="a checkout of the original code, which is trained and tested, too")
    add("--only", default="", metavar="TEXT", help="the tasks whose title has this in it")
    add("--seeds", type=numbers, default=[0, 1, 2], help="with commas (default: 0,1,2)")
    add("--jobs", type=int, default=0, help="trainings at once; 0: one for each CPU core, or one on a GPU")
    add("--gpu_ids", default="0", help="the GPU to use, if there is one; -1 for the CPU")
    add("--work", type=Path, default=Path("quality"), help="folder of data sets, checkpoints and results")
    add("--out", type=Path, default=Path("docs/quality.md"), help="page that the tables are appended to")
    # fmt: on
    return parser


def folder(text: str) -> Path:
    return Path(text).resolve()


def numbers(text: str) -> list[int]:
    return sorted({int(word) for word in text.split(",")})


if __name__ == "__main__":
    run_command(main)
