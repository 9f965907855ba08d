"""Several metrics at once over images that come in batches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from options.metrics import METRICS, choose_metrics, metric
from options.types import EIGHT_BITS, Range
from util.errors import InputError
from util.images import to_uint8
from util.images.values import to_network
from util.metrics.efficientnet_lite import SIZES, perceptual_distance
from util.metrics.networks import Networks, check_available
from util.metrics.paired import PIXEL_METRICS, check_size
from util.metrics.sets import frechet_distance, kernel_distance
from util.metrics.values import VALUE_METRICS, measure_values

Images = torch.Tensor | np.ndarray


@dataclass(frozen=True)
class Result:
    """A metric's value over all images.

    standard_error: how far chance in the choice of images moves it; NaN when that is not known.
    n_fake, n_real: images it is from; a set metric means little without them.
    label: which network and resize it was made with; "" for pixels.
    """

    value: float
    standard_error: float
    n_fake: int
    n_real: int
    label: str = ""


def missing_metrics(
    names: Iterable[str], weights: Mapping[str, str | Path] | None = None
) -> dict[str, str]:
    """Returns the metrics that cannot be computed here, and what to install or fetch for each."""
    reasons = {}
    for name in names:
        try:
            check_available(name, weights or {})
        except InputError as error:
            reasons[name] = str(error)
    return reasons


class Scorer:
    """Measures translated images against real ones; nothing but numbers and features is kept.

    Args:
        names: a list, or one text with commas.
        weights: files for "inception" and "alexnet"; otherwise torch's cache is searched.
        networks: those of another scorer, to load them once.
        bounds: the range of images that are given as numbers of their files; metrics of pixels then measure these, and
            those of networks their 8-bit pictures.

    Raises: ValueError for an unknown name; InputError when a package or weights are missing.
    """

    def __init__(
        self,
        names: str | Iterable[str],
        device: torch.device | str = "cpu",
        weights: Mapping[str, str | Path] | None = None,
        networks: Networks | None = None,
        bounds: Range | None = None,
    ) -> None:
        self.names = choose_metrics(names if isinstance(names, str) else ",".join(names))
        for name in self.names:
            check_available(name, networks.weights if networks else weights or {})
        self.bounds = bounds
        self.metrics = [metric(name) for name in self.names]
        self.networks = networks or Networks(device, weights or {})
        self._values: dict[str, list[float]] = {m.name: [] for m in self.metrics if m.paired}
        self._features: dict[tuple[str, str], list[torch.Tensor]] = defaultdict(list)
        self._fake, self._real = 0, 0

    def add(self, fake: Images | None = None, real: Images | None = None) -> None:
        """Takes a batch.

        Args:
            fake, real: uint8 tensors (N, C, H, W) or arrays (N, H, W, C), C = 1 or 3; with `bounds` float arrays
                (N, H, W, C) of any channels, NaN where pixels are missing. Image i of one is compared
                with image i of the other; where all metrics are of sets, N may differ and one may be left out.

        Raises: ValueError for other shapes or types; InputError for images too small for a metric.
        """
        given = {
            side: images for side, images in (("fake", fake), ("real", real)) if images is not None
        }
        if self.bounds:
            given = {side: np.asarray(images) for side, images in given.items()}
        if self._values:
            shapes = [tuple(batch.shape) for batch in given.values()]
            if len(shapes) < 2 or shapes[0] != shapes[1]:
                raise ValueError(
                    f"{next(iter(self._values))} compares pairs of one shape, not images of shapes {shapes}"
                )
        pixels = {} if self.bounds else {side: self._tensor(one) for side, one in given.items()}
        for name, values in self._values.items():
            if self.bounds is None and name in PIXEL_METRICS:
                values += PIXEL_METRICS[name](pixels["fake"], pixels["real"]).tolist()
            elif name in VALUE_METRICS:
                bounds = self.bounds or EIGHT_BITS
                fakes, reals = (self._numbers(given[side]) for side in ("fake", "real"))
                pairs = zip(fakes, reals, strict=True)
                values += [measure_values(name, one, truth, bounds) for one, truth in pairs]
        if any(m.network for m in self.metrics):
            pixels = pixels or {side: self._pictures(one) for side, one in given.items()}
            colour = {side: batch.expand(-1, 3, -1, -1) for side, batch in pixels.items()}
            self._through_networks(colour)
        self._fake += len(given.get("fake", ()))
        self._real += len(given.get("real", ()))

    def per_image(self) -> dict[str, list[float]]:
        """Returns the paired metrics' values, in the order in which the images came."""
        return {name: list(values) for name, values in self._values.items()}

    def summary(self) -> dict[str, float]:
        """Means of the paired metrics over images, and the set metrics."""
        return {name: result.value for name, result in self.results().items()}

    def results(self) -> dict[str, Result]:
        """Returns the same with errors, counts and labels. Raises: ValueError when there are too few images."""
        if not self._fake:
            raise ValueError("no images to score")
        return {name: self._result(name) for name in self.names}

    def _result(self, name: str) -> Result:
        network = METRICS[name].network
        label = getattr(self.networks, network).label if network else ""
        if METRICS[name].paired:
            values = torch.tensor(self._values[name], dtype=torch.float64)
            values = values[~values.isnan()]  # of constant images, or such without data
            error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
            return Result(float(values.mean()), error, self._fake, self._real, label)
        sides = (self._features[network, side] for side in ("fake", "real"))
        fake, real = (torch.cat(parts) if parts else torch.empty(0, 1) for parts in sides)
        if name in ("kid", "kd_lite0", "kd_lite2"):
            value, error = kernel_distance(fake, real)
        else:
            value, error = frechet_distance(fake, real), math.nan
        return Result(value, error, self._fake, self._real, label)

    def _through_networks(self, batches: dict[str, torch.Tensor]) -> None:
        """Keeps what the set metrics and the perceptual ones need of a batch."""
        used = {m.network: m.paired for m in self.metrics if m.network}
        of_sets = {m.network for m in self.metrics if not m.paired}
        if "alexnet" in used:
            check_size("lpips", batches["fake"])
            self._values["lpips"] += self.networks.alexnet(
                batches["fake"], batches["real"]
            ).tolist()
        for side, batch in batches.items():
            if "inception" in used:
                features = self.networks.inception(batch)
                self._features["inception", side].append(features.cpu().double())
        for variant in used.keys() & SIZES.keys():
            maps = {}
            for side, batch in batches.items():
                features, maps[side] = getattr(self.networks, variant).measure(batch)
                if variant in of_sets:
                    self._features[variant, side].append(features.cpu().double())
            if f"pd_{variant}" in self._values:
                distances = perceptual_distance(maps["fake"], maps["real"])
                self._values[f"pd_{variant}"] += distances.tolist()

    def _numbers(self, images: Images) -> np.ndarray:
        """Returns float64 (N, H, W, C)."""
        if isinstance(images, torch.Tensor):
            images = images.movedim(1, -1).cpu().numpy()
        return np.asarray(images, np.float64)

    def _pictures(self, images: Images) -> torch.Tensor:
        """Returns numbers of files as 8-bit pictures, missing pixels in black."""
        assert self.bounds
        levels = np.nan_to_num(to_network(self._numbers(images), self.bounds), nan=-1)
        pictures = to_uint8(torch.from_numpy(levels).movedim(-1, 1))
        return self._tensor(pictures.reshape(*levels.shape[:-1], -1))

    def _tensor(self, images: Images) -> torch.Tensor:
        """Returns uint8 (N, C, H, W) on the device."""
        if isinstance(images, np.ndarray):
            images = torch.from_numpy(np.array(images)).movedim(-1, 1)
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                f"images must be uint8 (N, 1 or 3, H, W), or arrays (N, H, W, 1 or 3), not {images.dtype} {tuple(images.shape)}"
            )
        return images.to(self.networks.device)
