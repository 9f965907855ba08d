"""How a run's weights translate best: by which statistics of batch norm, and with raw or averaged weights.

Training records it in inference.json, for each label of its files; testing, translating, serving and exporting follow
it. Where nothing is recorded, the flags of training decide.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from util.checkpoints.names import is_label, list_networks
from util.files import read_json, write_text

SETTINGS_FILE = "inference.json"
POLICIES = ("image", "running")
STATISTICS = {
    "image": "batch norm takes the statistics of each image",
    "running": "batch norm takes the statistics of training, and dropout is off",
}


@dataclass(frozen=True)
class InferenceSettings:
    """How weights of one label are used by default.

    Attributes:
        norm_policy: "image", batch norm by each image's own statistics, or "running", by those of training.
        averaged: whether with the averaged weights of --ema.
        reason: why, for people; "" where nothing had to be chosen.
    """

    norm_policy: str = "image"
    averaged: bool = False
    reason: str = ""

    def with_policy(self, asked: str) -> InferenceSettings:
        """Returns these settings for "auto", or with the policy of batch norm that a user asks for."""
        if asked == "auto":
            return self
        return dataclasses.replace(self, norm_policy=asked, reason="as asked")

    def for_weights(self, averaged: bool, flags: Mapping[str, Any]) -> InferenceSettings:
        """Returns these settings, or for other weights than they were measured with, what the flags of training suggest."""
        if averaged == self.averaged:
            return self
        return dataclasses.replace(settings_by_rule({**flags, "ema": 0}), averaged=averaged)

    def __str__(self) -> str:
        weights = "; the averaged weights are used" if self.averaged else ""
        return f"{STATISTICS[self.norm_policy]}{weights} ({self.reason})"


UNKNOWN = InferenceSettings()


def images_per_norm(flags: Mapping[str, Any], processes: int = 1) -> int:
    """Counts the images over which batch norm took its statistics in training; 0 without batch norm."""
    norm, batch_size = flags.get("norm"), flags.get("batch_size", 1)
    if norm not in ("batch", "syncbatch", "sync_batch") or not isinstance(batch_size, int):
        return 0
    return batch_size if norm == "batch" else batch_size * processes


def settings_by_rule(flags: Mapping[str, Any], processes: int = 1) -> InferenceSettings:
    """Chooses by the flags of training alone; {} stands for weights of unknown origin.

    In batches of one image, training normalizes each image by itself, and so does the original code in its tests. In
    larger batches no image is normalized by itself, and the running statistics come closest.
    """
    images, ema = images_per_norm(flags, processes), bool(flags.get("ema"))
    reasons = [f"training normalized {images} images together"] if images > 1 else []
    reasons += ["trained with --ema"] if ema else []
    return InferenceSettings("running" if images > 1 else "image", ema, ", ".join(reasons))


def parse_settings(content: Any) -> InferenceSettings | None:
    """Reads what `dataclasses.asdict` made; None for anything else."""
    if not isinstance(content, Mapping):
        return None
    policy, averaged, reason = (content.get(f.name) for f in dataclasses.fields(InferenceSettings))
    if policy not in POLICIES or not isinstance(averaged, bool) or not isinstance(reason, str):
        return None
    return InferenceSettings(policy, averaged, reason)


def read_settings(folder: Path, label: str, flags: Mapping[str, Any]) -> InferenceSettings:
    """Returns what training recorded for a label, or what the flags of training (options.json) suggest."""
    return parse_settings(read_json(folder / SETTINGS_FILE).get(label)) or settings_by_rule(flags)


def record_settings(folder: Path, labels: Iterable[str], settings: InferenceSettings) -> None:
    """Records the settings for some labels; of others it keeps what still has files.

    Raises: InputError when the disk refuses.
    """
    kept = {file.label for file in list_networks(folder)}
    earlier = read_json(folder / SETTINGS_FILE)
    recorded = {name: one for name, one in earlier.items() if name in kept}
    recorded |= {label: dataclasses.asdict(settings) for label in labels if is_label(label)}
    write_text(folder / SETTINGS_FILE, json.dumps(recorded, indent=2, sort_keys=True) + "\n")
