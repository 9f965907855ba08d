"""The options of test.py: what the run was trained with, unless the command line says otherwise."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from options.base_options import DataOptions, LogOptions, ModelOptions, RunOptions, at_least
from options.flags import flag, flags_of
from options.parsing import CommandLine, CommandOptions
from options.saved import OPTIONS_FILE
from options.train_options import TrainOptions
from options.types import count_or_inf, pages_of, path

ARCHITECTURE = (
    *("input_nc", "output_nc", "ngf", "netG", "upsample", "norm", "no_dropout"),
    *("no_antialias", "no_antialias_up"),
)
# What files hold, for whatever model tests them.
VALUES = (
    "range_A",
    "range_B",
    "bands_A",
    "bands_B",
    "nodata",
    "label_A",
    "label_B",
    "alpha",
    "page",
)
COMMON = (
    "dataroot", "name", "model", "model_suffix", "epoch", "phase", "num_test", "results_dir",
    "checkpoints_dir", "gpu_ids", "direction", "preprocess", "load_size", "crop_size",
    "norm_policy", "use_ema", "tile",
)  # fmt: skip
DESCRIPTION = """\
Translates images with a trained model, measures the results, and writes
results/NAME/test_latest/index.html.

a run, its best epoch (of a training with --val_freq), one generator alone:
  python test.py --dataroot datasets/facades --name faces --model pix2pix
  python test.py --dataroot datasets/facades --name faces --model pix2pix --epoch best
  python test.py --dataroot photos --name maps --model test --model_suffix _A"""
TRAIN_FLAGS = {*(name for group in TrainOptions.groups().values() for name in flags_of(group))}
TILE_MODES = ("exact", "blend")
OTHER_WAY = {
    "range_A": "range_B",
    "range_B": "range_A",
    "bands_A": "bands_B",
    "bands_B": "bands_A",
    "label_A": "label_B",
    "label_B": "label_A",
    "input_nc": "output_nc",
    "output_nc": "input_nc",
}


@dataclass(frozen=True)
class ResultOptions:
    """What is computed and where it goes."""

    results_dir: str = flag("./results/", "folder of the results", parse=path, metavar="FOLDER")
    aspect_ratio: float = flag(1.0, "height / width by which saved images are stretched")
    eval: bool = flag(False, "no dropout, and running statistics in batch norm (see docs/tips.md)")
    norm_policy: str = flag(
        "auto",
        "batch norm by each image's own statistics, or by those of training, without dropout; auto = what suits the "
        "training (docs/tips.md)",
        choices=("auto", "image", "running"),
    )
    use_ema: bool = flag(
        False,
        "the averaged weights of a run trained with --ema; without this flag and --no_use_ema, the weights that were "
        "measured to be better",
    )
    save_format: str = flag(
        "auto",
        "of results that 8-bit PNG cannot hold, in values/; auto = as the files that were read",
        choices=("auto", "png", "tiff", "npy", "exr"),
    )
    num_test: float = flag(math.inf, "number of images; inf = all", parse=count_or_inf, metavar="N")
    tile: int = flag(
        0,
        "translates images in squares of so many pixels, to save memory, without dropout; 0 = off",
    )
    tile_mode: str = flag(
        "exact",
        "exact gives what the whole image would; blend is faster (see docs/large_images.md)",
        choices=TILE_MODES,
    )

    def __post_init__(self) -> None:
        at_least(1, math.inf, num_test=self.num_test)
        at_least(0, math.inf, tile=self.tile)
        at_least(0.01, 100, aspect_ratio=self.aspect_ratio)
        if self.eval and self.norm_policy == "image":
            raise ValueError("--eval means --norm_policy running: leave one of the two flags out")


@dataclass(frozen=True)
class TestOptions(CommandOptions):
    """All flags of a test.

    saved: flags of the training run, {} for a bare downloaded checkpoint.
    explicit: names of the flags that stood on the command line.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name
    phase = "test"

    run: RunOptions
    data: DataOptions
    model: ModelOptions
    log: LogOptions
    result: ResultOptions
    defaults: dict[str, Any]
    saved: dict[str, Any]
    explicit: frozenset[str]

    @classmethod
    def parse(cls, argv: Sequence[str]) -> TestOptions:
        """Reads the command line over the flags that the run was trained with."""
        line = CommandLine(
            cls.groups(),
            phase=cls.phase,
            common=COMMON,
            description=DESCRIPTION,
            other={"train.py": TRAIN_FLAGS},
            take_over=lambda flags: inherited(flags, flags.get("model", "")),
        )
        seen, _ = line.look(argv)
        file = Path(seen["checkpoints_dir"]) / seen["name"] / OPTIONS_FILE
        saved = line.read(file) if os.path.exists(file) else {}
        backwards = seen.get("model_suffix") == "_B"
        parsed = line.parse(argv, inherited(saved, seen["model"], backwards=backwards))
        return cls(**parsed.groups, defaults=parsed.defaults, saved=saved, explicit=parsed.explicit)

    @property
    def result_folder(self) -> Path:
        iteration = f"_iter{self.run.load_iter}" if self.run.load_iter else ""
        average = "_ema" if self.result.use_ema else ""
        label = f"{self.run.phase}_{self.run.epoch}{iteration}{average}"
        return Path(self.result.results_dir) / self.run.name / label


def inherited(saved: dict[str, Any], model: str, *, backwards: bool = False) -> dict[str, Any]:
    """Chooses what a test with `model` takes over from the flags its run was trained with.

    The networks' shape always; direction, data set and own flags for the model that was trained; and preprocessing
    without its randomness: a random crop of a resized image becomes the resized image, a random crop
    of the original becomes the whole original.
    backwards: the generator from B to A alone is tested, so that B is what is read.
    """
    own = saved.get("model") == model
    skip = {"model", "name", "checkpoints_dir", "gpu_ids", "phase", "dataroot", "serial_batches"}
    skip |= {"num_threads", "batch_size", "max_dataset_size", "bad_images", "cache", "precision"}
    skip |= {"no_flip", "verbose", "load_size", "crop_size", "preprocess"}
    skip |= {"use_wandb", "display_winsize"}
    taken = {
        name: value
        for name, value in saved.items()
        if name in (*ARCHITECTURE, *VALUES) or (own and name not in skip)
    }
    if backwards and not own:
        taken = {OTHER_WAY.get(name, name): value for name, value in taken.items()}
        taken["page"] = ";".join(reversed(pages_of(saved.get("page", ""))))
    mode, crop = saved.get("preprocess"), saved.get("crop_size", 256)
    if mode == "resize_and_crop":
        taken |= {"preprocess": mode, "load_size": crop, "crop_size": crop}
    elif mode in ("scale_width", "scale_width_and_crop"):
        taken |= {"preprocess": "scale_width", "load_size": saved.get("load_size", 286)}
    elif mode in ("crop", "none"):
        taken |= {"preprocess": "none"}
    return taken
