"""scripts/eval_cityscapes/evaluate.py after its flags: finds results and truths, labels the results, writes scores."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.files.join_pairs import read_8_bits
from options.wording import count
from scripts.eval_cityscapes.frames import (
    Case,
    check_complete,
    cityscapes_frames,
    images_by_name,
    match_frames,
    match_names,
    read_truth,
)
from scripts.eval_cityscapes.labellers import Labeller, by_colours, by_network
from util.device import describe, select_device
from util.errors import InputError
from util.files import make_folder, write_text
from util.images import save_image
from util.images.label_maps import CITYSCAPES, Palette, draw_labels, read_palette
from util.metrics.segmentation import (
    confusion_matrix,
    results_table,
    results_text,
    segmentation_scores,
)


def score_results(options: argparse.Namespace) -> int:
    """Scores the results; returns the exit status."""
    palette = read_palette(options.palette) if options.palette else CITYSCAPES
    cases = find_cases(options)
    labeller = find_labeller(options, palette)
    pictures = options.output_dir / "image_outputs" if options.save_output_images else None
    confusion = compare(cases, labeller, palette, pictures)
    if not confusion.sum():
        raise InputError(
            f"no pixel of the {len(cases)} true label maps, such as {cases[0].truth}, has a class: check --palette"
        )
    scores = segmentation_scores(confusion)
    how = f"{options.architecture}, {options.weights}" if options.weights else "nearest colour"
    table = {"images": len(cases), "labelled_by": how}
    table |= results_table(palette.names, scores, confusion)
    text = results_text(palette.names, scores)
    write_text(options.output_dir / "evaluation_results.json", json.dumps(table, indent=2) + "\n")
    write_text(options.output_dir / "evaluation_results.txt", text)
    print(text, end="")
    print(
        f"{count(len(cases), 'image')}; written to {options.output_dir / 'evaluation_results.txt'}"
    )
    return 0


def find_cases(options: argparse.Namespace) -> list[Case]:
    """Pairs results with truths. Raises: InputError when a part of it is missing."""
    if options.cityscapes_dir:
        truths = cityscapes_frames(options.cityscapes_dir, options.split)
        results = images_by_name(options.result_dir, options.result_label, "--result_dir")
        cases = match_frames(truths, results)
    else:
        truths = images_by_name(options.truth_dir, options.truth_label, "--truth_dir")
        results = images_by_name(options.result_dir, options.result_label, "--result_dir")
        cases = match_names(truths, results)
    check_complete(cases, truths, options.allow_missing)
    return cases


def find_labeller(options: argparse.Namespace, palette: Palette) -> Labeller:
    """Raises: InputError unless it is said which one, and it can be used."""
    if options.caffemodel_dir:
        print("note: --caffemodel_dir is not used: Caffe is not needed any more; see --weights")
    if bool(options.weights) == options.label_maps:
        raise InputError(
            "say what the results are. Photographs: --weights FILE (your own torchvision network, which replaces the "
            "Caffe model; see docs/cityscapes.md). Label maps: --label_maps"
        )
    if options.label_maps:
        return by_colours(palette)
    classes = len(palette.names) if options.num_classes is None else options.num_classes
    if classes != len(palette.names):
        raise InputError(
            f"--num_classes {classes}, but the palette has {len(palette.names)} classes: name all of them by --palette"
        )
    device = select_device(str(options.gpu_id))
    print(describe(device, str(options.gpu_id)))
    return by_network(options.weights, options.architecture, classes, device)


def compare(
    cases: Sequence[Case], labeller: Labeller, palette: Palette, pictures: Path | None
) -> np.ndarray:
    """(K, K) pixel counts of all images together.

    pictures: where <number>_pred.png, _gt.png and _input.png of each are written.
    """
    classes = len(palette.names)
    confusion = np.zeros((classes, classes), np.int64)
    for number, case in enumerate(tqdm(cases, unit=" images", leave=False, disable=None)):
        truth, image = read_truth(case.truth, palette), read_8_bits(case.result)
        labels = labeller(image, (truth.shape[0], truth.shape[1]))
        confusion += confusion_matrix(truth, labels, classes)
        if pictures:
            save(make_folder(pictures) / f"{number}_pred.png", draw_labels(labels, palette))
            save(pictures / f"{number}_gt.png", draw_labels(truth, palette))
            save(pictures / f"{number}_input.png", image)
    return confusion


def save(path: Path, image: np.ndarray) -> None:
    try:
        save_image(path, image)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
