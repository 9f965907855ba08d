"""How good a model is in the middle of its training, on images that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import nn

from models import Execution, create_model
from models.engine.ema import SUFFIX
from models.inference.translate_dataset import Translation, translations
from options.base_options import ModelOptions
from util import distributed
from util.metrics import Scorer, chosen, metric
from util.metrics.networks import Networks

# What is made, of which side, as which picture, and what it is compared with.
COMPARED = (
    ("fake", "B", "fake_B", "real_B"),
    ("fake", "A", "fake_A", "real_A"),
    ("rec", "A", "rec_A", "real_A"),
    ("rec", "B", "rec_B", "real_B"),
)


@dataclass(frozen=True)
class Outcome:
    """What a validation found.

    Attributes:
        values: name of a curve -> value: every metric, of every direction.
        scores: metric -> the one value by which checkpoints are compared, the mean of the directions.
    """

    values: dict[str, float]
    scores: dict[str, float]


class Validation:
    """Translates a fixed set as test.py does and measures it.

    Where the truth of an image is known, as in a data set of pairs or where A and B have files of the same names,
    metrics of pairs compare with it. Without, they compare CycleGAN's reconstructions with their inputs, and metrics of
    sets the translations with the images of the other side.

    Args:
        batches: gives this process's share of the set, from its beginning.
        names: metrics, separated by commas.
    """

    def __init__(
        self,
        options: ModelOptions,
        batches: Callable[[], Iterator[dict[str, Any]]],
        names: str,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        # One of its own: testing takes dropout and batch norm image by image, and computes in float32.
        self.model = create_model(options, execution=Execution(device)).train()
        self.batches, self.names = batches, chosen(names)
        self.seed, self.device = seed, device
        self._networks = Scorer(self.names, device).networks  # complains of what is missing

    def run(self, networks: Mapping[str, nn.Module]) -> Outcome:
        """Measures a model's `saved_networks`; with averaged ones, those decide over the scores.

        All processes take part and get the same.
        """
        outcome = self._measure(networks, "")
        if any(name.endswith(SUFFIX) for name in networks):
            averaged = self._measure(networks, SUFFIX)
            values = {f"{name}{SUFFIX}": value for name, value in averaged.values.items()}
            return Outcome({**outcome.values, **values}, averaged.scores)
        return outcome

    def _measure(self, networks: Mapping[str, nn.Module], suffix: str) -> Outcome:
        with torch.no_grad():
            for name, network in self.model.networks().items():
                trained = networks[f"{name}{suffix}" if name.startswith("G") else name].state_dict()
                for key, value in network.state_dict().items():  # without statistics, once prepared
                    value.copy_(trained[key])
        with torch.inference_mode():
            own = translations(self.model, self.batches(), self.seed, self.device, whole=False)
            if distributed.world_size() == 1:
                return self._score(own)
            with distributed.together():
                mine = list(own)
        parts = distributed.gather_at_main(mine)
        everyone = sorted((one for part in parts for one in part), key=lambda one: one.number)
        return distributed.from_main(lambda: self._score(everyone))

    def _score(self, items: Iterable[Translation]) -> Outcome:
        tallies = [Tally(*compared, self.names, self._networks) for compared in COMPARED]
        for item in items:
            for tally in tallies:
                tally.add(item)
        found = [(t.kind, t.side, name, value) for t in tallies for name, value in t.results()]
        scores: dict[str, float] = {}
        for name in self.names:
            for kind in ("fake", "rec"):  # reconstructions where no truth is known
                values = [value for k, _, n, value in found if (k, n) == (kind, name)]
                if values:
                    scores.setdefault(name, fmean(values))
        prefix = {"fake": "val_", "rec": "val_rec_"}
        one_way = {side for _, side, _, _ in found} == {"B"}
        return Outcome(
            {f"{prefix[k]}{n}{'' if one_way else f'_{side}'}": v for k, side, n, v in found}, scores
        )


class Tally:
    """One kind of comparison over all images.

    Args:
        kind, side: fake or rec, A or B.
        made, truth: labels of the pictures.
    """

    def __init__(
        self,
        kind: str,
        side: str,
        made: str,
        truth: str,
        names: Sequence[str],
        networks: Networks,
    ) -> None:
        self.kind, self.side, self.made, self.truth = kind, side, made, truth
        pairs = [name for name in names if metric(name).paired]
        sets = [name for name in names if not metric(name).paired and kind == "fake"]
        self._pairs = Scorer(pairs, networks=networks) if pairs else None
        self._sets = Scorer(sets, networks=networks) if sets else None
        self._count, self._known = 0, True

    def add(self, item: Translation) -> None:
        if not {self.made, self.truth} <= item.pictures.keys():
            return
        self._count += 1
        pictures = (np.atleast_3d(item.pictures[label])[None] for label in (self.made, self.truth))
        made, truth = pictures
        if self._sets:
            self._sets.add(made, truth)
        stems = {PurePath(item.paths[label]).stem for label in (self.made, self.truth)}
        self._known &= len(stems) == 1 and made.shape == truth.shape
        if self._pairs and self._known:
            self._pairs.add(made, truth)

    def results(self) -> list[tuple[str, float]]:
        """Metric, value; those of pairs only where every image has its truth."""
        used = [self._pairs if self._known else None, self._sets]
        return [pair for each in used if each and self._count for pair in each.summary().items()]
