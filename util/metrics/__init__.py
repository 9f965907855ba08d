"""Quality of translated images: `Scorer` measures, `metric` says what a name stands for, `NAMES` lists them."""

from options.metrics import NAMES, Metric, choose_metrics, metric
from util.metrics.scorer import Result, Scorer, missing_metrics

__all__ = ["NAMES", "Metric", "Result", "Scorer", "choose_metrics", "metric", "missing_metrics"]
