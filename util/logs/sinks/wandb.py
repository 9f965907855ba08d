"""Weights & Biases: a run goes on there as it does here, and nothing waits for its servers for long."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from util.checkpoints.names import list_networks
from util.errors import InputError, reason_of
from util.files import write_text
from util.images.montage import grid
from util.logs.logger import At, Sink

ID_FILE = "wandb_id.txt"  # in the run's folder: which run of W&B it is
# With a key but no network it would wait for minutes at the start, and at the end for ever.
INIT_SECONDS, FINISH_SECONDS = 30.0, 120.0


def require_wandb() -> Any:
    """Imports the package. Raises: InputError when it is missing."""
    try:
        import wandb
    except ImportError:
        raise InputError("--use_wandb needs the package wandb: pip install wandb") from None
    return wandb


class WandbSink(Sink):
    """Losses and scores by name, signs of health under health/ and images under results/, at the count of images.

    Args:
        run: what wandb.init has returned.
        networks: folder whose latest and best networks become an artifact when the run ends; None for none.
    """

    def __init__(self, run: Any, networks: Path | None = None) -> None:
        self.wandb, self.run, self.networks = require_wandb(), run, networks

    def losses(self, at: At, losses: dict[str, float]) -> None:
        self.run.log({**losses, "epoch": at.x, "learning_rate": at.lr}, step=at.run_images)

    def scores(self, at: At, scores: dict[str, float]) -> None:
        self.run.log({**scores, "epoch": at.x}, step=at.run_images)

    def health(self, at: At, values: dict[str, float]) -> None:
        self.scores(at, {f"health/{name}": value for name, value in values.items()})

    def images(self, at: At, images: dict[str, np.ndarray]) -> None:
        pictures = {
            f"results/{name}": self.wandb.Image(image, caption=f"{name} - Step {at.run_images}")
            for name, image in images.items()
        }
        self.run.log(pictures, step=at.run_images)

    def examples(self, at: At, pictures: Sequence[Mapping[str, np.ndarray]]) -> None:
        rows = {
            f"examples/{number}": self.wandb.Image(
                grid(list(each.values()), len(each)), caption=", ".join(each)
            )
            for number, each in enumerate(pictures, 1)
        }
        self.run.log(rows, step=at.run_images)

    def close(self, ending: str, reason: str = "") -> None:
        try:
            if self.networks and ending != "failed":
                self._upload(self.networks)
        finally:
            self.run.finish(exit_code=1 if ending == "failed" else 0)

    def _upload(self, folder: Path) -> None:
        name = re.sub(r"[^\w.-]", "_", folder.name)  # W&B takes no other characters
        artifact = self.wandb.Artifact(f"{name}-networks", type="model")
        for file in list_networks(folder):
            if file.label == "latest" or file.label.startswith("best_"):
                artifact.add_file(str(file.path))
        self.run.log_artifact(artifact)


def open_wandb(
    project: str,
    name: str,
    config: Mapping[str, Any],
    folder: Path,
    *,
    identity: str | None = None,
    networks: bool = False,
) -> list[Sink]:
    """Begins a run. Without login or network keeps it in the folder, with a note how to upload it later.

    Args:
        identity: as `run_identity` gives it; None is a run of its own.
        networks: whether the folder's networks are uploaded at the end.
    Raises: InputError when the package is missing.
    """
    wandb = require_wandb()
    limits: dict[str, Any] = {"init_timeout": INIT_SECONDS}
    if "finish_timeout" in getattr(wandb.Settings, "model_fields", ()):  # older ones have none
        limits["finish_timeout"] = FINISH_SECONDS
    begin = partial(
        wandb.init,
        project=project,
        name=name,
        config={flag: "inf" if value == math.inf else value for flag, value in config.items()},
        dir=str(folder),
        id=identity,
        resume="allow" if identity else None,
        allow_val_change=True,
    )
    log = logging.getLogger(__name__)
    try:
        try:
            run = begin(settings=wandb.Settings(**limits))
        except Exception as error:  # no key, no network, a server that does not answer
            wandb.teardown()  # it would go on trying, under the same id
            run = begin(settings=wandb.Settings(**limits), mode="offline")
            log.warning(
                "Weights & Biases cannot be reached (%s): the run is kept in %s, upload it with wandb sync %s",
                reason_of(error),
                folder / "wandb",
                Path(run.dir).parent,
            )
    except Exception as error:
        log.warning("Weights & Biases is not used: %s", reason_of(error))
        return []
    return [WandbSink(run, folder if networks else None)]


def run_identity(folder: Path, continued: bool) -> str:
    """Reads the id under which W&B knows the run in this folder; a run that is not continued gets a new one."""
    path = folder / ID_FILE
    if continued and path.exists():
        return path.read_text(encoding="utf-8").strip()
    identity = os.urandom(8).hex()
    write_text(path, identity + "\n")
    return identity
