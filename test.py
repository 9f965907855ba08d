"""Translates images with a trained model: python test.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan"""

from __future__ import annotations

from options.test_options import TestOptions
from options.wording import count
from util.errors import check_command_line, run_command

# --help and mistakes are answered before PyTorch is imported, which takes seconds.
if __name__ == "__main__":
    check_command_line(TestOptions.parse)

import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from data import BaseDataset
from data.checks.quick import headers_of, name_findings, sizes_of
from data.checks.sizes import pair_findings
from data.held_out import held_out_loader, open_held_out, readable
from data.loading.loader import skipped_lines
from models import BaseModel, Execution
from models.engine.precision import select_precision
from models.inference.load_run import choose_settings, load_run
from models.inference.translate_dataset import AT_ONCE, read_ahead, share_translations, translations
from models.tiling import draws_dropout
from util import distributed
from util.device import describe, select_device
from util.distributed.launch import process_group, start_several, wanted
from util.errors import InputError, SharedError, explain_out_of_memory
from util.files import write_text
from util.images.write import ValueWriter
from util.logs.logger import At, Logger, Sink
from util.logs.progress_bar import ProgressBar
from util.logs.run_end import Rows
from util.logs.sinks.console import loss_words
from util.pages.results import ResultWriter
from util.terminal import changes, columns, show_notes, styled


def main(argv: Sequence[str]) -> int:
    """Runs a whole test; returns the exit status."""
    show_notes()
    with process_group():
        options = distributed.from_main(lambda: TestOptions.parse(argv))
        if (processes := wanted(options.run.gpu_ids)) > 1:
            return start_several(__file__, argv, processes)
        with distributed.together():
            device = select_device(options.run.gpu_ids)
            torch.backends.cudnn.benchmark = options.data.preprocess == "resize_and_crop"
            execution = Execution(
                device,
                select_precision(options.run.precision, device, training=False),
                tile=options.result.tile,
                tile_mode=options.result.tile_mode,
            )
            options, model, files = load_run(options, execution)
            dataset = open_held_out(
                options.data, options.model, options.run.phase, options.run.seed
            )
        if distributed.is_main():
            announce(options, model, files, device)
            sizes = sizes_of(headers_of(dataset))
            for finding in (*name_findings(dataset), *pair_findings(dataset, sizes)):
                print(finding.brief)
        distributed.check_alike("images", count=len(dataset), content="")
        test(model, dataset, options, device)
    return 0


def announce(
    options: TestOptions, model: BaseModel, files: dict[str, Path], device: torch.device
) -> None:
    """Prints the options, the device and where the weights are from; writes test_opt.txt."""
    if sys.stdout.isatty():
        taken = {n: two for n, two in options.changes().items() if n not in options.explicit}
        given = {n: two for n, two in options.changes().items() if n in options.explicit}
        for title, flags in (("Flags given", given), ("Flags taken over from training", taken)):
            if flags:
                print(styled(title, "bold", sys.stdout), changes(flags, sys.stdout), sep="\n")
        print()
    else:
        print(options.table())
    print(describe(device, options.run.gpu_ids))
    if distributed.world_size() > 1:
        print(f"{distributed.world_size()} processes share the images")
    if options.result.tile and draws_dropout(model):
        logging.warning("--tile switches dropout off, as its noise belongs to whole images")
    if asked := options.explicit & {"eval", "norm_policy", "use_ema"}:
        print(f"used as asked by --{', --'.join(sorted(asked))}")
    elif (settings := choose_settings(options, next(iter(files)))).reason:
        print(f"{settings}; --norm_policy and --use_ema choose otherwise")
    for name, network in model.networks().items():
        print(f"loading the model from {files[name]}")
        if options.run.verbose:
            print(network)
    try:
        write_text(options.folder / "test_opt.txt", options.table() + "\n")
    except InputError as error:  # a shared folder of checkpoints may be read-only
        logging.warning("%s", error)


def test(
    model: BaseModel, dataset: BaseDataset, options: TestOptions, device: torch.device
) -> None:
    """Translates the images and writes them and their page to the result folder."""
    # Open the images and the places for results.
    data, folder = options.data, options.result_folder
    chosen = "batch_size" in options.explicit
    batch_size = data.batch_size if chosen else AT_ONCE
    loader = held_out_loader(dataset, options.result.num_test, batch_size, device)
    label = options.run.label
    weights = f"weights of epoch {label}" if label.isdecimal() else f"{label} weights"
    title = f"{options.run.name} · {options.run.phase} set · {weights}"
    values = ValueWriter(dataset.values, options.result.save_format, dataset.placement)
    writer = ResultWriter(
        folder,
        title,
        dataroot=data.dataroot,
        phase=options.run.phase,
        width=options.log.display_winsize,
        aspect_ratio=options.result.aspect_ratio,
        page=distributed.is_main(),
        write_values=values.write,
        pages={
            "Training": options.folder / "web/index.html",
            "All runs": options.folder.parent / "index.html",
        },
    )
    logger = Logger(tracker(options) if distributed.is_main() else [])
    total = loader.sampler.length

    # Translate.
    batches = readable(loader)
    if device.type == "cuda" and not data.num_threads:  # a network on a CPU needs all cores
        batches = read_ahead(batches)
    with writer, explain_out_of_memory(), torch.inference_mode(), Progress(total) as progress:
        own = translations(model, batches, options.run.seed, device, whole=chosen, kept=values)
        for one, facts in share_translations(own, dataset.values):
            writer.add(one.number, one.paths, one.pictures, one.values, facts)
            progress.count(one.paths)
            if one.pictures:
                logger.images(At(1, writer.count, writer.count, 1.0), one.pictures)
    logger.close("done")

    # Say what became of them.
    loader.share_skipped()
    if not writer.count:
        raise SharedError("every image was skipped")
    if distributed.is_main():
        print(*skipped_lines(loader.skipped), sep="\n", end="\n" if loader.skipped else "")
        print(f"{count(writer.count, 'image')} translated")
        print(*columns(closing_rows(options, writer), sys.stdout), sep="\n")
        if values:
            values.describe(folder)
            print(f"their values in full depth, of which pictures show 8 bits: {folder / 'values'}")


def closing_rows(options: TestOptions, writer: ResultWriter) -> Rows:
    """Words the scores, where the page is, and what to do next."""
    rows = []
    if scores := writer.means():
        rows.append(
            (
                "scores",
                f"{', '.join(loss_words(scores))} (means of {count(len(writer.examples), 'example')})",
            )
        )
    rows.append(("page", writer.file.absolute().as_uri()))
    if options.model.model != "test":  # whose results have no truths
        command = shlex.join(["python", "scripts/evaluate.py", str(writer.folder)])
        rows.append(("evaluate", command))
    return rows


def tracker(options: TestOptions) -> list[Sink]:
    """Opens Weights & Biases, where it is asked for and can be reached."""
    if not options.log.use_wandb:
        return []
    from util.logs.sinks.wandb import open_wandb

    return open_wandb(
        options.log.wandb_project_name, options.run.name, options.values(), options.folder
    )


class Progress:
    """A progress bar on a terminal, a line for every fifth image elsewhere; the first process shows it."""

    def __init__(self, total: int) -> None:
        shown = distributed.is_main() and sys.stderr.isatty()
        self.bar = ProgressBar("translating", total, shown=shown)
        self.done = 0

    def count(self, paths: dict[str, str]) -> None:
        if self.bar.disable and distributed.is_main() and self.done % 5 == 0:
            print(
                f"processing ({self.done:04d})-th image... {next(iter(paths.values()))}", flush=True
            )
        self.done += 1
        self.bar.update()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()


if __name__ == "__main__":
    run_command(main)
