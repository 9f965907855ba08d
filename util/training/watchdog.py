"""Watches a training for what wastes days: losses that are NaN or infinite or run away, and generators that learn nothing.

Looking costs a few small sums on the device in every step. The device is waited for only every
`CHECK_IMAGES` images, and before a checkpoint is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import torch

from util import distributed
from util.errors import SharedError
from util.training import symptoms
from util.training.progress import crossed

CHECK_IMAGES = 100
NEVER = 2**62  # the step at which a value that is still finite went wrong
SAMPLES = 64  # outputs looked at in a window, at most
IN_A_STEP = 4


@dataclass
class Watchdog:
    """Sees every step; stops the run at NaN or infinity, and gives each hint once.

    A hint needs its symptom in `strikes` windows of `window` images in a row; losses that run away need no more than
    the steps between two checks.

    Attributes:
        guessing_NCE: the weighted PatchNCE loss of patches that cannot be told apart.
        ran_away: the losses that were absurdly large in every step before the last check; "" for none.
    """

    gan_mode: str
    lr: float
    say: Callable[[str], None]  # takes a line for the user
    _: KW_ONLY
    hints: bool = True
    window: int = 500  # images
    strikes: int = 3
    guessing_NCE: float = math.inf

    def __post_init__(self) -> None:
        self._names: list[str] = []
        self._first = self._sum = self._least = torch.empty(0)
        self._losses = 0  # so many of the names are losses, the first ones
        self.ran_away = ""
        self._paths: list[Sequence[str]] = []  # of every step since the last check
        self._steps = 0  # before those
        self._window_start = self._images = 0
        self._window_steps = 0
        self._shown: list[str] = []
        self._samples: list[torch.Tensor] = []  # thumbnails of those images, one tensor a step
        self._seen: dict[str, int] = {}  # symptom -> windows in a row
        self._given: set[str] = set()

    def observe(
        self,
        losses: Mapping[str, torch.Tensor],
        visuals: Mapping[str, torch.Tensor],
        paths: Sequence[str],
        run_images: int,
    ) -> None:
        """Takes in one step of the images at `paths`, the last of them number `run_images` of the run.

        Raises: SharedError as `check`, when one is due.
        """
        watched = {**losses, **{k: v.sum() for k, v in visuals.items() if k.startswith("real")}}
        if not watched:
            return
        device = next(iter(watched.values())).device
        values = torch.stack(
            [value.detach().float().sum().to(device) for value in watched.values()]
        )
        if list(watched) != self._names:
            self.check()
            self._names, self._losses = list(watched), len(losses)
            self._least = torch.full_like(values, torch.inf)
            self._first = torch.full(values.shape, NEVER, device=values.device)
            self._sum = torch.zeros_like(values)
            self._window_start, self._window_steps = run_images, 0
        here = self._steps + len(self._paths)
        self._first = torch.where(values.isfinite(), self._first, self._first.clamp(max=here))
        self._least = torch.minimum(self._least, values.abs())
        self._paths.append(paths)
        if self.hints:
            self._sum = self._sum + values
            self._window_steps += 1
            self._look(visuals)
        before, self._images = self._images, run_images
        if crossed(before, run_images, CHECK_IMAGES):
            self.check()
        if self.hints and run_images - self._window_start >= self.window:
            self._close_window(run_images)

    def _look(self, visuals: Mapping[str, torch.Tensor]) -> None:
        """Keeps small copies of a few images of the step."""
        shown = [name for name in symptoms.LOOKED_AT if name in visuals]
        if shown != self._shown:
            self._shown, self._samples = shown, []
        count = min((len(visuals[name]) for name in shown), default=0)
        for i in range(min(count, IN_A_STEP)):
            if len(self._samples) < SAMPLES:
                images = [symptoms.thumbnail(visuals[name][i]) for name in shown]
                self._samples.append(torch.stack(images))

    def check(self) -> None:
        """Reads what was seen. Raises: SharedError that names the loss, the images and the likely cause of NaN or infinity."""
        if not self._names:
            return
        first = distributed.least(self._first).tolist()
        if min(first) < NEVER:
            names = [n for n, step in zip(self._names, first, strict=True) if step == min(first)]
            known = [
                path for paths in distributed.gather(self._culprits(min(first))) for path in paths
            ]
            raise SharedError(
                f"{', '.join(names)} became NaN or infinite in step {min(first) + 1} of this start"
                f" (images: {', '.join(known)}). Training is stopped; what was saved before is kept.\n"
                f"likely cause: {self.cause(names)}"
            )
        if self._paths:
            self._look_for_divergence()
        self._steps += len(self._paths)
        self._paths = []

    def _look_for_divergence(self) -> None:
        """Reports losses that diverged in every step since the last check."""
        least = dict(zip(self._names[: self._losses], self._least.tolist(), strict=False))
        self._least = torch.full_like(self._least, torch.inf)
        self.ran_away = symptoms.losses_that_ran_away(least)
        if self.ran_away and self.hints and "ran away" not in self._given:
            self._given.add("ran away")
            self.say(
                f"hint: losses have run away ({self.ran_away}): the training has diverged and its images are "
                f"useless. Start again with a lower --lr or another --seed. Likely cause: {self.cause()}"
            )

    def _culprits(self, step: int) -> list[str]:
        """Returns this process's images of the step, if something of its own went wrong in it."""
        if int(self._first.min()) > step or not self._paths:
            return []
        return list(self._paths[max(0, step - self._steps)])

    def cause(self, names: Sequence[str] = ()) -> str:
        """Says why these losses, or the weights, may be NaN or infinite, and what to try."""
        return symptoms.cause_of_nan(names, self.gan_mode, self.lr)

    def _close_window(self, run_images: int) -> None:
        """Looks for symptoms in the window that ends here, and starts the next."""
        means = (self._sum / max(1, self._window_steps)).tolist()
        losses = dict(zip(self._names, means, strict=True))
        samples = torch.stack(self._samples, dim=1).cpu() if self._samples else ()
        images = dict(zip(self._shown, samples, strict=False))
        found = symptoms.find(losses, images, self.gan_mode, self.guessing_NCE)
        self._seen = {name: self._seen.get(name, 0) + 1 for name in found}
        for name, count in self._seen.items():
            if count >= self.strikes and name not in self._given:
                self._given.add(name)
                self.say(f"hint: {found[name]}")
        self._sum = torch.zeros_like(self._sum)
        self._window_start, self._window_steps, self._samples = run_images, 0, []
