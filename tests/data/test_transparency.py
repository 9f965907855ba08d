"""Transparency is dropped, laid on a ground, or a channel."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.data import dataset
from helpers.format import noise, write
from PIL import Image


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_transparency_is_dropped_or_laid_on_white_or_black(tmp_path, mode) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    image = clear.convert("LA") if mode == "LA" else clear
    if mode == "PA":
        image = Image.new("P", (8, 8), 0)
        image.putpalette([255, 255, 255] * 256)
        image.info["transparency"] = 0
    image.save(tmp_path / "a.png")
    for channels in (1, 3):
        found = {
            alpha: dataset(tmp_path, "single", input_nc=channels, alpha=alpha)[0]["A"]
            for alpha in ("drop", "white", "black")
        }
        assert found["drop"].unique().tolist() == [255]
        assert found["white"].unique().tolist() == [255]
        assert found["black"].unique().tolist() == [0]


def test_transparency_is_a_channel_where_four_are_asked_for(tmp_path) -> None:
    array = noise(np.uint8, 8, 8, 4)
    write(tmp_path / "a.png", array)
    image = dataset(tmp_path, "single", input_nc=4)[0]["A"]
    assert np.array_equal(image.permute(1, 2, 0).numpy(), array)


def test_deep_transparency_is_laid_on_the_ground_too(tmp_path) -> None:
    array = np.full((8, 8, 4), 65535, np.uint16)
    array[..., 3] = 0
    write(tmp_path / "a.png", array)
    black = dataset(tmp_path, "single", alpha="black")[0]["A"]
    assert black.unique().tolist() == [-1]
    assert dataset(tmp_path, "single", alpha="white")[0]["A"].unique().tolist() == [1]
