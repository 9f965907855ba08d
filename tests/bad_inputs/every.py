"""All kinds there are."""

from __future__ import annotations

from bad_inputs import (
    archives,
    flags,
    folders,
    images,
    names,
    places,
    runs,
    saved_options,
    states,
    tars,
    weights,
)

GROUPS = (
    images,
    folders,
    tars,
    places,
    names,
    saved_options,
    weights,
    states,
    runs,
    archives,
    flags,
)
EVERY = [kind for group in GROUPS for kind in group.KINDS]
