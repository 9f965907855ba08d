"""--continue_train from states that are damaged, of other networks, with other content, or hostile."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bad_inputs.commands import pairs, train_run
from bad_inputs.kind import BadInput
from bad_inputs.weights import a_folder, cut, flip, right, runs_code
from util.checkpoints import files as checkpoint

STATE = "latest_state.pth"


def continued(change: Callable[[Path], Any], *flags: str) -> Callable[[Path], Callable[[], Any]]:
    """Trains, changes the run's folder, and goes on."""

    def make(folder: Path):
        pairs(folder)
        run_quietly(lambda: train_run(folder))
        change(folder / "checkpoints/run")
        words = ["--continue_train", "--n_epochs", "2", *flags]
        return lambda: train_run(folder, *words)

    return make


def run_quietly(run: Callable[[], Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert run() == 0


def resaved(run: Path, **changes: Any) -> None:
    checkpoint.save(run / STATE, {**checkpoint.load(run / STATE), **changes})


def one_value(run: Path) -> Any:
    """The state of optimizers, with moments of a single value."""
    stateful = checkpoint.load(run / STATE)["stateful"]
    for moments in stateful["optimizer_G"]["state"].values():
        moments["exp_avg"] = moments["exp_avg_sq"] = torch.zeros(1)
    return stateful


def doubled(times: int) -> Any:
    """A list of the same list twice, again and again."""
    content: Any = [0.0]
    for _ in range(times):
        content = [content, content]
    return content


def no_state(run: Path) -> None:
    (run / STATE).unlink()


def bare_folder(run: Path) -> None:
    for file in run.glob("*.pth"):
        file.unlink()


CONTINUED: dict[str, tuple[Callable[[Path], Any], list[str], str]] = {
    "state truncated": (lambda run: cut(run / STATE, 0.6), [], STATE),
    "state empty": (lambda run: (run / STATE).write_bytes(b""), [], STATE),
    "state is text": (lambda run: (run / STATE).write_text("hello"), [], STATE),
    "state is a list": (lambda run: checkpoint.save(run / STATE, [1]), [], STATE),
    "state is weights": (lambda run: checkpoint.save(run / STATE, right()), [], STATE),
    "state is a folder": (lambda run: a_folder(run / STATE), [], STATE),
    "state is code": (lambda run: torch.save(runs_code(run / "ran"), run / STATE), [], STATE),
    "state without networks": (lambda run: resaved(run, networks={}), [], f"{STATE} lacks G"),
    "state with networks of 3": (lambda run: resaved(run, networks=3), [], STATE),
    "state with optimizers of 3": (lambda run: resaved(run, stateful=dict.fromkeys(checkpoint.load(run / STATE)["stateful"], 3)), [], STATE),
    "state with moments of one value": (lambda run: resaved(run, stateful=one_value(run)), [], "does not fit"),
    "state with a curve that doubles": (lambda run: torch.save({**checkpoint.load(run / STATE), "curve": doubled(40)}, run / STATE), [], "refers to its own parts"),
    "state with one flipped bit": (lambda run: flip(run / STATE), [], "is damaged"),
    "state with a progress of 3": (lambda run: resaved(run, progress=3), [], STATE),
    "state of an epoch 'x'": (lambda run: resaved(run, progress={"epoch": "x"}), [], STATE),
    "state with other widths asked for": (lambda run: None, ["--ngf", "2"], STATE),
    "another model asked for": (lambda run: None, ["--model", "cycle_gan"], "was trained with --model"),
    "state of a finished run": (lambda run: None, ["--n_epochs", "1"], "has finished its 1 epoch"),
    "another epoch asked for": (lambda run: None, ["--epoch", "9"], "check --epoch"),
    "nothing to continue": (bare_folder, [], ""),
    "only weights": (no_state, [], ""),
    "whole state": (lambda run: None, [], ""),
}  # fmt: skip

KINDS = [
    *(
        BadInput("state", name, continued(change, *flags), says)
        for name, (change, flags, says) in CONTINUED.items()
    ),
]
