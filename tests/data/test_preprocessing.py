"""Resizing, cropping and flipping."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from conftest import picture
from helpers.data import dataset
from PIL import Image

from data.loading.loader import Loader
from data.transforms import Preprocess, to_network_range
from util.images.read import BadImage


@pytest.mark.parametrize(
    ("mode", "size", "train", "test"),
    [  # sizes (height, width) in, and out for training and testing; multiple 4, load 40, crop 32
        ("resize_and_crop", (50, 90), (32, 32), (32, 32)),
        ("crop", (50, 90), (32, 32), (32, 32)),
        ("scale_width", (50, 90), (24, 40), (22, 40)),
        ("scale_width_and_crop", (50, 90), (32, 32), (32, 32)),
        ("scale_width_and_crop", (90, 50), (32, 32), (32, 32)),
        ("none", (50, 90), (48, 88), (50, 90)),
        ("none", (1, 3), (4, 4), (1, 3)),
    ],
)
def test_sizes_after_preprocessing(mode, size, train, test) -> None:
    image = torch.zeros(3, *size, dtype=torch.uint8)
    for augment, wanted in ((True, train), (False, test)):
        preprocess = Preprocess(mode, (40, 40), (32, 32), multiple=4, augment=augment)
        assert preprocess.sample(image, random.Random(0))(image).shape == (3, *wanted)


def test_scaling_to_a_width_keeps_the_aspect_ratio_before_cropping() -> None:
    wide, tall = (
        torch.zeros(3, 50, 200, dtype=torch.uint8),
        torch.zeros(3, 200, 50, dtype=torch.uint8),
    )
    preprocess = Preprocess("scale_width_and_crop", (100, 100), (64, 64))
    assert preprocess.sample(wide, random.Random(0)).resized == (
        64,
        256,
    )  # not 100 wide and 64 high
    assert preprocess.sample(tall, random.Random(0)).resized == (400, 100)


def test_an_image_smaller_than_the_crop_is_refused_not_padded(unpaired) -> None:
    bad = dataset(unpaired, "unaligned", preprocess="crop", crop_size=48)[0]
    assert isinstance(bad, BadImage)
    assert "32x32 pixels are too few for --crop_size 48" in bad.reason


def test_resizing_is_pillows_bicubic() -> None:
    image = picture(3, 60, 70)
    ours = Preprocess("resize_and_crop", (40, 40), (40, 40), augment=False)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    resized = ours.sample(tensor, random.Random(0)).pixels(tensor).permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(image).resize((40, 40), Image.Resampling.BICUBIC))
    assert np.abs(resized.astype(int) - pillow).max() <= 2


def test_untouched_pixels_come_back_as_they_were(tmp_path) -> None:
    from util.images import to_uint8

    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(3, -1).reshape(16, 16, 3)
    Image.fromarray(every_level).save(tmp_path / "levels.png")
    (batch,) = Loader(dataset(tmp_path, "single")).epoch(1)
    assert np.array_equal(to_uint8(batch["A"][0]), every_level)


def test_every_level_has_its_place_in_the_networks_range() -> None:
    every_level = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_network_range(every_level), every_level.float() / 127.5 - 1)
