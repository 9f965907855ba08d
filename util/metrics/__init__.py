"""How good translated images are: `Scorer` measures, `metric` says what a name stands for, `NAMES` lists them."""

from util.metrics.catalogue import NAMES, Metric, chosen, metric
from util.metrics.scorer import Result, Scorer, missing

__all__ = ["NAMES", "Metric", "Result", "Scorer", "chosen", "metric", "missing"]
