"""Validation: how good a model in training is on images that it does not learn from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from statistics import fmean
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from models.inference.translate_dataset import Translation
from models.training.twin import Twin
from options.train_options import TrainOptions
from util import distributed
from util.checkpoints.inference_settings import (
    UNKNOWN,
    InferenceSettings,
    images_per_norm,
    settings_by_rule,
)
from util.checkpoints.names import AVERAGED
from util.images.label_maps import IGNORED
from util.images.values import Values
from util.metrics import Scorer, choose_metrics, metric
from util.metrics.networks import Networks
from util.metrics.segmentation import confusion_matrix, segmentation_scores

# What is made, of which side, as which picture, and what it is compared with.
COMPARED = (
    ("fake", "B", "fake_B", "real_B"),
    ("fake", "A", "fake_A", "real_A"),
    ("rec", "A", "rec_A", "real_A"),
    ("rec", "B", "rec_B", "real_B"),
)


# Images on which ways to use the weights are compared.
FEW = 16
Batches = Callable[[float], Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class Outcome:
    """Results of a validation.

    Attributes:
        values: name of a curve -> value: every metric, of every direction.
        scores: metric -> the one value by which checkpoints are compared, the mean of the directions.
        settings: how the weights translate best, by which the scores were measured.
        pictures: labels of what the model's `translate` made.
    """

    values: dict[str, float]
    scores: dict[str, float]
    settings: InferenceSettings = UNKNOWN
    pictures: frozenset[str] = frozenset()

    def why_empty(self) -> str:
        """Says why there are no scores."""
        return (
            f"nothing was measured: this model's translate gives {', '.join(sorted(self.pictures))}. Metrics of pairs "
            "compare fake_B with real_B, or fake_A with real_A, where both are of files of one name and size; metrics of "
            "sets, such as --val_metrics kid, need no pairs"
        )


class Validation:
    """Translates a fixed set as test.py does and measures it.

    Where the truth of an image is known, as in a data set of pairs or where A and B have files of the same names,
    metrics of pairs compare with it. Without, they compare CycleGAN's reconstructions with their inputs, and metrics of
    sets the translations with the images of the other side.

    Args:
        batches: gives this process's share of the first so many images of the set, from its beginning.
        names: metrics, separated by commas.
        settings: how the weights are used as far as the flags of training tell.
        sides: "A" and "B" -> what the numbers in its files mean; those of more than 8 bits are measured in full.
        in_doubt: whether either statistics of batch norm may be better, so that both are measured.
    """

    def __init__(
        self,
        twin: Twin,
        batches: Batches,
        names: str,
        settings: InferenceSettings,
        *,
        in_doubt: bool,
        sides: Mapping[str, Values] = MappingProxyType({}),
    ) -> None:
        self.twin, self.sides = twin, sides
        self.settings, self.in_doubt = settings, in_doubt
        self.batches, self.names = batches, choose_metrics(names)
        self.deep = {
            label
            for _, side, *labels in COMPARED
            for label in labels
            if side in sides and sides[side].deep
        }
        classes = {"fake_B", "real_B"} if "B" in sides and sides["B"].labels else set()
        self._kept = self.deep | classes
        self._networks = Scorer(self.names, twin.device).networks  # complains of what is missing

    @property
    def note(self) -> str:
        """Says which metrics see less than the files hold; "" where none does."""
        seen = [name for name in self.names if metric(name).network]
        if not (self.deep and seen):
            return ""
        return f"note: {', '.join(seen)} of files of more than 8 bits are measured on their 8-bit pictures"

    def run(self, networks: Mapping[str, nn.Module], most: float = math.inf) -> Outcome:
        """Measures a model's `saved_networks` on the first so many images, used as they are best.

        Raw and averaged weights are both measured, and the better ones, by the first metric, give the scores. In doubt,
        either's statistics of batch norm are chosen on a few images. All processes take part and get the same.
        """
        raw = self._measure_at_best(networks, "", most)
        if not any(name.endswith(AVERAGED) for name in networks):
            return raw
        averaged = self._measure_at_best(networks, AVERAGED, most)
        values = {f"{name}{AVERAGED}": value for name, value in averaged.values.items()}
        usual = self.settings.averaged
        better, numbers = _compare(averaged.scores, raw.scores, list(raw.scores), usual)
        chosen = averaged if better else raw
        settings = replace(chosen.settings, averaged=better)
        if numbers:
            reason = "{} with averaged weights, {} with raw ones".format(*numbers)
            reasons = [settings.reason] if self.in_doubt else []
            settings = replace(settings, reason="; ".join([*reasons, reason]))
        return Outcome({**raw.values, **values}, chosen.scores, settings)

    def _measure_at_best(
        self, networks: Mapping[str, nn.Module], suffix: str, most: float
    ) -> Outcome:
        """Measures raw or averaged weights with the statistics of batch norm that suit them."""
        settings = self._choose_statistics(networks, suffix, most)
        outcome = self._measure(networks, suffix, settings.norm_policy, most)
        return replace(outcome, settings=settings)

    def _choose_statistics(
        self, networks: Mapping[str, nn.Module], suffix: str, most: float
    ) -> InferenceSettings:
        """The settings, with the policy of batch norm that is better on a few images."""
        if not self.in_doubt:
            return self.settings
        running, image = (
            self._measure(networks, suffix, policy, min(FEW, most)).scores
            for policy in ("running", "image")
        )
        pairs_first = sorted(running, key=lambda name: not metric(name).paired)
        before = self.settings.norm_policy == "running"
        better, numbers = _compare(running, image, pairs_first, before)
        if not numbers:
            return self.settings
        reason = "{} by the statistics of training, {} by each image's own".format(*numbers)
        return replace(self.settings, norm_policy="running" if better else "image", reason=reason)

    def _measure(
        self, networks: Mapping[str, nn.Module], suffix: str, policy: str, most: float
    ) -> Outcome:
        self.twin.load(networks, suffix)
        with torch.inference_mode():
            own = self.twin.translate(policy, self.batches(most), kept=self._kept)
            if distributed.world_size() == 1:
                return self._score(own)
            with distributed.together():
                mine = list(own)
        parts = distributed.gather_at_main(mine)
        everyone = sorted((one for part in parts for one in part), key=lambda one: one.number)
        return distributed.from_main(lambda: self._score(everyone))

    def _score(self, items: Iterable[Translation]) -> Outcome:
        tallies = [
            Tally(*compared, self.names, self._networks, self.sides.get(compared[1]))
            for compared in COMPARED
        ]
        pictures: set[str] = set()
        for item in items:
            pictures |= item.pictures.keys()
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
        curves = {f"{prefix[k]}{n}{'' if one_way else f'_{side}'}": v for k, side, n, v in found}
        return Outcome(curves, scores, pictures=frozenset(pictures))


def open_validation(
    options: TrainOptions,
    open_batches: Callable[[str], Batches],
    twin: Twin,
    sides: Mapping[str, Values],
) -> Validation | None:
    """Builds what measures the split of --val_phase.

    Without --val_freq, a few training images show how batch norm or averaged weights are best used, where that is in
    doubt; None where it is not.

    Args:
        open_batches: the name of a split -> its batches.
        sides: what the numbers in files of "A" and "B" mean.
    """
    val, flags = options.val, options.values()
    in_doubt = images_per_norm(flags, distributed.world_size()) > 1
    if not (val.val_freq or in_doubt or options.optim.ema):
        return None
    phase, names = (val.val_phase, val.val_metrics) if val.val_freq else (options.run.phase, "l1")
    return Validation(
        twin,
        open_batches(phase),
        names,
        settings_by_rule(flags, distributed.world_size()),
        in_doubt=in_doubt,
        sides=sides,
    )


def _compare(
    one: Mapping[str, float], other: Mapping[str, float], names: Sequence[str], before: bool
) -> tuple[bool, tuple[str, ...]]:
    """Tells whether the first scores are better by the first of the metrics, and by which values.

    before: the answer where nothing can be compared, or both are equal.
    """
    for name in names:
        if name in one and name in other and one[name] != other[name]:
            numbers = f"{name} {one[name]:.4g}", f"{other[name]:.4g}"
            return metric(name).better(one[name], other[name]), numbers
    return before, ()


class Tally:
    """One kind of comparison over all images.

    Args:
        kind, side: fake or rec, A or B.
        made, truth: labels of the pictures.
        values: what the numbers in the side's files mean, which are measured where they have more than 8 bits.
    """

    def __init__(
        self,
        kind: str,
        side: str,
        made: str,
        truth: str,
        names: Sequence[str],
        networks: Networks,
        values: Values | None = None,
    ) -> None:
        self.values = values if values and values.deep else None
        bounds = self.values.bounds if self.values else None
        self.kind, self.side, self.made, self.truth = kind, side, made, truth
        pairs = [name for name in names if metric(name).paired]
        sets = [name for name in names if not metric(name).paired and kind == "fake"]
        self._pairs = Scorer(pairs, networks=networks, bounds=bounds) if pairs else None
        self._sets = Scorer(sets, networks=networks) if sets else None
        classes = values.labels if values and kind == "fake" else 0
        self._confusion = np.zeros((classes, classes), np.int64)
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
            if self.values:
                found = (np.moveaxis(item.values[one], 0, -1) for one in (self.made, self.truth))
                made, truth = (self.values.numbers(one)[None] for one in found)
            self._pairs.add(made, truth)
        if self._confusion.size and self._known:
            predicted, real = item.values[self.made].argmax(0), item.values[self.truth]
            labels = np.where(real.max(0) > -1, real.argmax(0), IGNORED)  # (H, W)
            self._confusion += confusion_matrix(labels, predicted, len(self._confusion))

    def results(self) -> list[tuple[str, float]]:
        """Returns metrics and values; those of pairs only where every image has its ground truth.

        Label maps have two more: the share of right pixels, and the mean IoU of classes over all images.
        """
        used = [self._pairs if self._known else None, self._sets]
        found = [pair for each in used if each and self._count for pair in each.summary().items()]
        if self._known and self._confusion.any():
            of_classes = segmentation_scores(self._confusion)
            found += [("accuracy", of_classes.pixel_accuracy), ("iou", of_classes.class_iou)]
        return [(name, value) for name, value in found if not math.isnan(value)]
