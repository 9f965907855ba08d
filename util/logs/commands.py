"""Command lines for people to copy."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from options.base_options import RunOptions
from options.flags import flags_of


def commands(values: Mapping[str, Any], changed: Collection[str]) -> dict[str, str]:
    """Returns the commands that train, continue ("continue") and test a run.

    Args:
        values: of all flags of the training, by name.
        changed: names of those that are not at their defaults.
    """
    words = ["python", "train.py"]
    for name in changed:
        if name != "continue_train":
            words += [f"--{name}", str(values[name])]
    train = shlex.join(words)
    return {
        "train": train,
        "continue": f"{train} --continue_train",
        "test": test_command(values),
    }


def test_command(values: Mapping[str, Any]) -> str:
    """Returns the command that translates the test images, or those of --val_phase where there are none."""
    root = values["dataroot"]
    words = ["python", "test.py", "--dataroot", root, "--name", values["name"]]
    words += ["--model", values["model"]]
    for flag in ("checkpoints_dir", "gpu_ids"):
        if values[flag] != flags_of(RunOptions)[flag]["default"]:
            words += [f"--{flag}", values[flag]]
    phase = values.get("val_phase", "val")
    if not _has_split(root, "test") and _has_split(root, phase):
        words += ["--phase", phase]
    return shlex.join(words)


def _has_split(root: str, phase: str) -> bool:
    return any(os.path.exists(Path(root) / f"{phase}{side}") for side in ("", "A"))
