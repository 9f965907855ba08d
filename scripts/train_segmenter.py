"""Trains a network that finds labels in photographs, to judge generated ones: python scripts/train_segmenter.py
    --dataroot ./datasets/facades --labels B --out facades_segmenter.pth
    python scripts/evaluate.py results/facades_pix2pix/test_latest --segmenter facades_segmenter.pth

It learns from the real pairs of the split train, and prints its own scores on real photographs of --test_phase: the
ceiling for every translation. docs/evaluation.md says how to read them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.wording import count
from scripts.lib.generator_flags import add_device_flags
from util.errors import InputError, run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Trains, tests on real photographs, writes; returns the exit status."""
    options = build_parser().parse_args(argv)
    if min(options.steps, options.batch_size, options.width) < 1 or options.crop_size % 64:
        raise InputError(
            "--steps, --batch_size and --width must be at least 1, --crop_size a multiple of 64"
        )
    import torch

    from scripts.lib.evaluation.segmenter import Pairs, Segmenter, find_colours, label_scores, train
    from scripts.lib.generator_flags import chosen_device
    from util.images.label_maps import true_labels

    # The pairs of the training split, and the colours of their label maps.
    photographs, maps = read_pairs(options.dataroot, options.labels, options.train_phase)
    colours = find_colours(maps)
    torch.manual_seed(options.seed)
    segmenter = Segmenter(colours, options.width).to(chosen_device(options))
    classes = [torch.from_numpy(true_labels(one, segmenter.palette)) for one in maps]
    images = [torch.from_numpy(one).permute(2, 0, 1) for one in photographs]
    if len({one.shape for one in classes}) > 1 or min(classes[0].shape) < options.crop_size:
        raise InputError(
            f"the images must have one size, of at least --crop_size {options.crop_size}"
        )
    pairs = Pairs(torch.stack(images), torch.stack(classes))
    known = float((pairs.classes != 255).float().mean())
    print(
        f"{count(len(images), 'pair')}; {len(colours)} classes, which cover {known:.1%} of the pixels"
    )

    # Train.
    started, losses = time.perf_counter(), []
    size = {"size": options.crop_size, "batch": options.batch_size, "seed": options.seed}
    for step, loss in enumerate(train(segmenter, pairs, options.steps, **size), 1):
        losses.append(loss)
        if step % max(1, options.steps // 10) == 0:
            recent = losses[-options.steps // 10 :]
            seconds = time.perf_counter() - started
            print(
                f"step {step} of {options.steps}: cross entropy {sum(recent) / len(recent):.3f}, {seconds:.0f} s",
                flush=True,
            )

    # Its own scores on photographs that it has not seen.
    scores = label_scores(
        segmenter, *read_pairs(options.dataroot, options.labels, options.test_phase)
    )
    print(
        f"real photographs of {options.test_phase}: pixel accuracy {scores.pixel_accuracy:.3f}, class accuracy "
        f"{scores.class_accuracy:.3f}, class IoU {scores.class_iou:.3f}"
    )
    segmenter.save(options.out)
    print(f"see {options.out}")
    return 0


def read_pairs(dataroot: str, labels: str, phase: str):
    """Photographs and label maps of a split, each (H, W, 3) uint8."""
    import random

    from data import Source, create_dataset
    from data.checks.doctor import as_picture
    from options.base_options import DataOptions

    options = DataOptions(dataroot, dataset_mode="aligned", preprocess="none", no_flip=True)
    dataset = create_dataset(options, Source(phase=phase, augment=False, multiple=1))
    items = [dataset.item(index, random.Random(0)) for index in range(len(dataset))]
    other = "A" if labels == "B" else "B"
    return tuple([as_picture(item[side], 0) for item in items] for side in (other, labels))


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("--dataroot", required=True, help="data set of pairs: DIR/train, or DIR/trainA and DIR/trainB")
    add("--labels", choices=("A", "B"), required=True, help="the side that holds the label maps, as the files have it")
    add("--out", type=Path, required=True, help="file to write")
    add("--train_phase", default="train", help="split to learn from")
    add("--test_phase", default="test", help="split of real photographs to test on")
    add("--steps", type=int, default=2000, help="training steps")
    add("--batch_size", type=int, default=8, help="crops a step")
    add("--crop_size", type=int, default=128, help="pixels of a crop's side")
    add("--width", type=int, default=24, help="filters in the first layer")
    add("--seed", type=int, default=0, help="of weights and crops")
    add_device_flags(parser, precision=False)
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
