"""Recipes: named sets of defaults, one file each, between those of the model and the command line."""

from __future__ import annotations

from typing import Any

from options.recipes.modern import MODERN
from options.recipes.paper import PAPER

RECIPES: dict[str, dict[str, dict[str, Any]]] = {"paper": PAPER, "modern": MODERN}


def recipe_flags(recipe: str | None, model: str | None) -> dict[str, Any]:
    """Looks up flag name -> default that a recipe sets for a model: {} where it sets none, or is unknown."""
    return RECIPES.get(recipe or "", {}).get(model or "", {})
