"""Finds what is wrong with a data set, before a day of training is lost on it.

Takes the flags of train.py: paste the command for training and change the script's name, as in
python scripts/check_dataset.py --dataroot ./datasets/maps --model pix2pix. Nothing is written.
--quick reads names, a few headers and the values of a few files only, and tries no training steps.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.train_options import TrainOptions
from options.wording import count
from util.errors import check_command_line, run_command

# --help and mistakes are answered before PyTorch is imported, which takes seconds.
if __name__ == "__main__":

    def parse(words: Sequence[str]) -> TrainOptions:
        """Parses the flags of train.py, without --quick; --help begins with the text above."""
        if {"-h", "--help"} & set(words):
            print(__doc__)
        return TrainOptions.parse([word for word in words if word != "--quick"])

    check_command_line(parse)

import itertools
import math
import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import torch

from data import BaseDataset, Source, create_dataset
from data.checks import doctor
from data.checks.contents import (
    content_findings,
    content_lines,
    folders_on_disk,
    measure_folders,
    undeclared_values,
)
from data.checks.finding import SEVERITIES, Finding
from data.checks.quick import headers_of, quick_findings
from data.files.image_folder import list_images
from data.loading.loader import Loader
from models import Adam, BaseModel, create_model
from models.gan_model import GANModel
from options.types import TypedSize
from util.device import describe, duration, peak_memory, select_device, wait_for
from util.errors import InputError, explain_out_of_memory
from util.images.contents import SAMPLED, measure_contents
from util.terminal import show_notes

MEASURED = 32  # files of each folder whose values --quick measures
STEPS = 3  # measured, after one to warm up


def main(argv: Sequence[str]) -> int:
    """Prints a report; returns 1 where training would stop."""
    quick = "--quick" in argv
    words = [word for word in argv if word != "--quick"]
    options = TrainOptions.parse(words)
    show_notes()
    report = Report()
    model, lacking = build_model(options), []
    try:
        datasets = find_splits(options, model)
    except InputError as error:
        flags = tell_contents(options)  # the files may say which flags are missing
        if not flags:
            raise
        print("\nthe check goes on with these flags")
        lacking = [Finding("error", f"{error}")]
        options = TrainOptions.parse([*words, *flags])
        model = build_model(options)
        try:
            datasets = find_splits(options, model)
        except InputError:
            raise error from None
    data, run = options.data, options.run
    trained = datasets[run.phase]

    print(f"checking {data.dataroot} as --dataset_mode {data.dataset_mode}")
    counts = [describe_split(phase, dataset) for phase, dataset in datasets.items()]
    report.section("images", counts, half_splits(trained, run.phase))
    values = trained.folder_values()
    listed = [path for folder in values for path in trained.listed[folder]]
    contents = measure_folders(trained, listed, MEASURED if quick else SAMPLED)
    sides = {folder: "".join(one.side for one in parts) for folder, parts in values.items()}
    lines, _ = content_lines(contents, sides, options.model, data) if trained.values else ([], [])
    # The quick findings have those of a few files.
    findings = [] if quick else content_findings(trained, contents)
    report.section("values", lines, [*lacking, *findings])
    crop = crop_findings(model, data.preprocess, data.crop_size)
    if quick:
        report.section(
            "names and sizes", [], [*crop, *quick_findings(trained, headers_of(trained))]
        )
        return report.verdict()
    with explain_out_of_memory():
        splits = {phase: doctor.read_split(dataset) for phase, dataset in datasets.items()}
    unreadable = [
        doctor.file_findings(phase, split, phase == run.phase) for phase, split in splits.items()
    ]
    report.section("files", [], itertools.chain(*unreadable))
    report.section("names and sizes", [], [*crop, *doctor.shape_findings(splits[run.phase])])
    report.section("duplicates", [], doctor.duplicate_findings(splits, run.phase))
    lines, failures = (["not tried"], []) if crop else cost(model, trained, options)
    report.section("training on this machine", lines, failures)
    return report.verdict()


@dataclass
class Report:
    """Prints findings, section by section, as they become known.

    severities: how many there were of each.
    """

    severities: Counter[str] = field(default_factory=Counter)

    def section(self, title: str, lines: Iterable[str], findings: Iterable[Finding]) -> None:
        lines = list(lines)
        findings = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
        self.severities.update(finding.severity for finding in findings)
        print(f"\n{title}")
        for line in [*lines, *map(str, findings)] or ["fine"]:
            print("  " + line.replace("\n", "\n  "), flush=True)

    def verdict(self) -> int:
        """Prints the last line and returns the exit status."""
        found = [(self.severities[name], name) for name in SEVERITIES if self.severities[name]]
        summary = ", ".join(f"{n} {name}{'s' if n > 1 else ''}" for n, name in found)
        stops = bool(self.severities["error"])
        advice = "ready to train"
        if stops:
            advice = "training would stop: mend the errors first"
        elif self.severities["warning"]:
            advice = "training would run, but see the warnings first"
        print(f"\nverdict: {summary or 'nothing wrong found'}; {advice}")
        return int(stops)


def build_model(options: TrainOptions) -> BaseModel:
    """Builds the model that these flags train."""
    adam = Adam(options.optim.lr, options.optim.beta1)
    return create_model(options.model, adam=adam, seed=options.run.seed)


def tell_contents(options: TrainOptions) -> list[str]:
    """Prints what files hold that no data set could be made of; returns the flags that fit them."""
    sides = folders_on_disk(options.data, options.run.phase)
    contents = {}
    for folder, parts in sides.items():
        with suppress(InputError):  # no images
            values = undeclared_values(parts, options.data)
            contents[folder] = measure_contents(list_images(folder), len(parts), values)
    lines, flags = content_lines(contents, sides, options.model, options.data)
    if lines:
        print("values", *lines, sep="\n  ", flush=True)
    return flags


def find_splits(options: TrainOptions, model: BaseModel) -> dict[str, BaseDataset]:
    """Phase -> data set: the phase of the run, and whichever of train, val and test are there.

    Raises: InputError when the phase of the run is not.
    """
    source = Source.of(
        options.model,
        phase=options.run.phase,
        multiple=model.size_multiple,
        smallest=model.smallest_input,
        seed=options.run.seed,
    )
    found = {options.run.phase: create_dataset(options.data, source)}
    known = [found[options.run.phase].listed]
    data = replace(options.data, **found[options.run.phase].ranges())  # as training records them
    for phase in ("train", "val", "test"):
        try:
            dataset = create_dataset(data, replace(source, phase=phase))
        except InputError:
            continue
        if dataset.listed not in known:  # else its folders do not depend on the phase
            found[phase] = dataset
            known.append(dataset.listed)
    return found


def describe_split(phase: str, dataset: BaseDataset) -> str:
    """Words a split in one line."""
    folders = ", ".join(f"{len(paths)} in {folder}" for folder, paths in dataset.listed.items())
    return f"{phase}: {folders or count(len(dataset), 'item')}"


def half_splits(dataset: BaseDataset, trained: str) -> list[Finding]:
    """Other splits of which some folders are there and some are missing."""
    findings = []
    names = [folder.name for folder in dataset.listed if folder.name.startswith(trained)]
    for phase in ("train", "val", "test"):
        folders = [dataset.root / (phase + name.removeprefix(trained)) for name in names]
        missing = [folder.name for folder in folders if not folder.is_dir()]
        if 0 < len(missing) < len(folders):
            text = f"{dataset.root} has no folder {missing[0]}: --phase {phase} cannot be used"
            findings.append(Finding("warning", text))
    return findings


def crop_findings(model: BaseModel, preprocess: str, crop_size: TypedSize) -> list[Finding]:
    """Finds crops that do not go through the networks."""
    try:
        if "crop" in preprocess:
            model.check_crop_size(crop_size)
    except InputError as error:
        return [Finding("error", str(error))]
    return []


def cost(
    model: BaseModel, dataset: BaseDataset, options: TrainOptions
) -> tuple[list[str], list[Finding]]:
    """Lines about time and memory, from a few training steps; or why none could be taken."""
    try:
        device = select_device(options.run.gpu_ids)
        with explain_out_of_memory():
            loading, stepping, size = measure(model.to(device), dataset, options, device)
    except InputError as error:
        return [], [Finding("error", str(error))]
    except Exception as error:  # from a model or data set of the user's own: train.py shows where
        text = f"the first training steps failed with {type(error).__name__}: {error}"
        return [], [Finding("error", text)]
    if math.isnan(stepping):
        return [], [Finding("error", "no image can be used: see above")]
    workers = min(options.data.num_threads, os.cpu_count() or 1)  # as many as the loader starts
    image = max(stepping, loading / workers) if workers else stepping + loading
    images = len(dataset) * dataset.crops
    epoch, epochs = image * images, options.optim.last_epoch
    return [
        describe(device, options.run.gpu_ids),
        f"per image, at {size}: {image:.2g} s ({stepping:.2g} s to train, {loading:.2g} s to load)",
        f"per epoch of {images}: about {duration(epoch)}",
        f"for {count(epochs, 'epoch')}: about {duration(epoch * epochs)}",
        peak_memory(device),
    ], []


def measure(
    model: BaseModel, dataset: BaseDataset, options: TrainOptions, device: torch.device
) -> tuple[float, float, str]:
    """Seconds per image of loading and of training, and the size of the images; NaN without images."""
    torch.backends.cudnn.benchmark = "crop" in options.data.preprocess  # as in train.py
    loader = Loader(
        dataset,
        batch_size=options.data.batch_size,
        shuffle=not options.data.serial_batches,
        seed=options.run.seed,
        bad_images="skip",
    )
    if isinstance(model, GANModel):
        # So that the first step, which is not timed, has R1: it needs more memory.
        model.count.steps = -1
    steps = STEPS
    if options.model.gan_mode == "wgangp":  # as many as it takes to train G once
        steps = getattr(options.model, "n_critic", STEPS)
    epochs = range(1, steps + 2)  # of small data sets; otherwise the first is enough
    batches = itertools.chain.from_iterable(loader.epoch(epoch) for epoch in epochs)
    loading, stepping, images, size = 0.0, 0.0, 0, ""
    for number in range(steps + 1):
        asked = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            break
        begun = time.perf_counter()
        model.train_step(batch)
        wait_for(device)
        if number:
            loading += begun - asked
            stepping += time.perf_counter() - begun
            images += len(batch["A_paths"])
            size = f"{batch['A'].shape[-1]}x{batch['A'].shape[-2]} pixels"
    if not images:
        return math.nan, math.nan, ""
    return loading / images, stepping / images, size


if __name__ == "__main__":
    run_command(main)
