"""Marks of tests, and what they mean."""

from __future__ import annotations

import pytest

# What a shorter test beside it checks once, in every variant, at more moments, with more processes or larger data:
# `make test-all` runs these too.
exhaustive = pytest.mark.exhaustive


def often(*values: object, marked: object = exhaustive) -> list[object]:
    """The parameters of one variant for every run, the first, and of further ones for exhaustive runs."""
    first, *more = values
    return [first, *(pytest.param(value, marks=marked) for value in more)]
