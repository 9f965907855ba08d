"""Command lines in one call."""

from __future__ import annotations

import pytest

from options.test_options import TestOptions
from options.train_options import TrainOptions


def train(*words: str) -> TrainOptions:
    return TrainOptions.parse(["--dataroot", "D", *words])


def for_test(*words: str) -> TestOptions:
    return TestOptions.parse(["--dataroot", "D", *words])


def fails(capsys: pytest.CaptureFixture[str], *words: str, parse=train) -> str:
    with pytest.raises(SystemExit) as stop:
        parse(*words)
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]
