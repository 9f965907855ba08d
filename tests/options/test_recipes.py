"""Recipes: defaults between those of the model and what is typed."""

from __future__ import annotations

import pytest
from helpers.option import fails, train

from options.recipes import RECIPES
from options.train_options import ema_memory


def test_the_recipe_of_the_papers_changes_nothing() -> None:
    assert train("--recipe", "paper").values() == train().values()


@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan"])
def test_a_recipe_sets_what_its_file_says_and_what_is_typed_wins(model) -> None:
    plain, modern = train("--model", model), train("--model", model, "--recipe", "modern")
    differing = {k: v for k, v in modern.values().items() if v != plain.values()[k]}
    assert differing == {**RECIPES["modern"][model], "recipe": "modern"}
    typed = train("--model", model, "--recipe", "modern", "--upsample", "blur", "--ema", "0")
    assert (typed.model.upsample, typed.optim.ema) == ("blur", 0.0)


def test_a_shortened_recipe_counts_as_much() -> None:
    assert train("--model", "pix2pix", "--reci", "modern").model.upsample == "resize"


def test_flags_of_an_options_file_stand_above_the_recipe(tmp_path) -> None:
    file = tmp_path / "options.json"
    file.write_text('{"flags": {"upsample": "transposed", "recipe": "modern"}}')
    options = train("--options", str(file), "--model", "pix2pix")
    assert (options.model.upsample, options.optim.ema) == ("transposed", "5%")


@pytest.mark.parametrize(("text", "memory"), [("0", 0.0), ("0.999", 0.999), ("2e4", 2e4), (" 5% ", "5%"), ("2.50%", "2.5%")])  # fmt: skip
def test_a_memory_of_averages_is_a_decay_or_a_half_life(text, memory) -> None:
    assert ema_memory(text) == memory


@pytest.mark.parametrize("text", ["1", "-0.1", "0%", "100%", "five", "inf", "nan"])
def test_another_memory_of_averages_is_refused(text, capsys) -> None:
    assert "neither a decay such as 0.999, nor a half-life" in fails(capsys, f"--ema={text}")
