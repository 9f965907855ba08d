"""A short version of `python tests/torture`: real processes, killed for real."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from torture.__main__ import make_data
from torture.faults import FAULTS, Fault
from torture.kills import CONFIGURATIONS, torture


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    make_data(root)
    return root


@pytest.mark.parametrize("name", ["pix2pix", "cycle_gan, dropout, cosine, batches of 2"])
def test_a_run_killed_at_any_moment_ends_bit_for_bit_like_an_undisturbed_one(
    name, data, tmp_path
) -> None:
    outcome = torture(CONFIGURATIONS[name], data, tmp_path / "work", 4, random.Random(0))
    assert outcome.kills.total() == 4
    assert not outcome.mismatches


@pytest.mark.parametrize(
    "name", ["disk full for a while", "disk full to the end", "loader process killed"]
)
def test_a_fault_costs_nothing_that_was_saved(name, data, tmp_path) -> None:
    assert FAULTS[name](Fault(data, tmp_path / "work"))
