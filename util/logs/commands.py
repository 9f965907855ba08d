"""Command lines for people to copy."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from options.base_options import RunOptions
from options.flags import flags_of
from options.train_options import TrainOptions


def commands(options: TrainOptions) -> dict[str, str]:
    """Returns the commands that train, continue ("continue") and test a run."""
    words = ["python", "train.py"]
    for name, (value, _) in options.changes().items():
        if name != "continue_train":
            words += [f"--{name}", str(value)]
    train = shlex.join(words)
    return {"train": train, "continue": f"{train} --continue_train", "test": test_command(options)}


def test_command(options: TrainOptions) -> str:
    """Returns the command that translates the test images, or those of --val_phase where there are none."""
    run, root = options.run, options.data.dataroot
    words = ["python", "test.py", "--dataroot", root, "--name", run.name]
    words += ["--model", options.model.model]
    for flag in ("checkpoints_dir", "gpu_ids"):
        if (value := getattr(run, flag)) != flags_of(RunOptions)[flag]["default"]:
            words += [f"--{flag}", value]
    if not _has_split(root, "test") and _has_split(root, options.val.val_phase):
        words += ["--phase", options.val.val_phase]
    return shlex.join(words)


def _has_split(root: str, phase: str) -> bool:
    return any(os.path.exists(Path(root) / f"{phase}{side}") for side in ("", "A"))
