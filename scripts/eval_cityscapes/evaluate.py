"""Scores translations against true label maps: pixel accuracy, class accuracy and class IoU.

Photographs made from labels are labelled by your segmentation network:
    python scripts/eval_cityscapes/evaluate.py --cityscapes_dir DIR --result_dir DIR --output_dir DIR --weights FILE
Label maps made from photographs are labelled by their colours:
    python scripts/eval_cityscapes/evaluate.py --cityscapes_dir DIR --result_dir DIR --output_dir DIR --label_maps
Other data sets: --truth_dir in place of --cityscapes_dir, and --palette. See docs/cityscapes.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.eval_cityscapes.frames import (
    Case,
    check_complete,
    cityscapes_frames,
    images_by_name,
    match_frames,
    match_names,
    read_result,
    read_truth,
)
from scripts.eval_cityscapes.labellers import ARCHITECTURES, Labeller, by_colours, by_network
from util.device import describe, select_device
from util.errors import InputError, run_command
from util.files import make_folder, write_text
from util.images import save_image
from util.images.label_maps import CITYSCAPES, Palette, drawn, read_palette
from util.metrics.segmentation import (
    confusion_matrix,
    results_table,
    results_text,
    segmentation_scores,
)
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
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
    print(f"{len(cases)} images; written to {options.output_dir / 'evaluation_results.txt'}")
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    words = script_parser(__doc__)
    truth = words.add_mutually_exclusive_group(required=True)
    truth.add_argument("--cityscapes_dir", type=Path, help="holds gtFine/<split>/<city>/*.png")
    truth.add_argument("--truth_dir", type=Path, help="true label maps of any other data set")
    words.add_argument("--result_dir", type=Path, required=True, help="results of test.py")
    words.add_argument("--output_dir", type=Path, required=True, help="where scores are written")
    words.add_argument("--split", default="val", help="of Cityscapes (default: %(default)s)")
    words.add_argument(
        "--label_maps", action="store_true", help="results are label maps: go by their colours"
    )
    words.add_argument("--weights", type=Path, help="results are photos: the network's state dict")
    words.add_argument("--architecture", choices=ARCHITECTURES, default="fcn_resnet50")
    words.add_argument("--num_classes", type=int, help="of the network (default: the palette's)")
    words.add_argument("--palette", type=Path, help="classes and colours, .json or .csv")
    words.add_argument("--result_label", default="fake_B", help="results are NAME_<this>.png")
    words.add_argument("--truth_label", default="real_B", help="the same, for --truth_dir")
    words.add_argument(
        "--allow_missing", action="store_true", help="scores the images that have a result"
    )
    words.add_argument("--gpu_id", type=int, default=0, help="-1 is the CPU")
    words.add_argument(
        "--save_output_images", type=int, nargs="?", const=1, default=0, help="1: labels as images"
    )
    words.add_argument("--caffemodel_dir", help="not used any more: see --weights")
    return words.parse_args(argv)


def find_cases(options: argparse.Namespace) -> list[Case]:
    """What is compared with what. Raises: InputError when a part of it is missing."""
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
        truth, image = read_truth(case.truth, palette), read_result(case.result)
        labels = labeller(image, (truth.shape[0], truth.shape[1]))
        confusion += confusion_matrix(truth, labels, classes)
        if pictures:
            save(make_folder(pictures) / f"{number}_pred.png", drawn(labels, palette))
            save(pictures / f"{number}_gt.png", drawn(truth, palette))
            save(pictures / f"{number}_input.png", image)
    return confusion


def save(path: Path, image: np.ndarray) -> None:
    try:
        save_image(path, image)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


if __name__ == "__main__":
    run_command(main)
