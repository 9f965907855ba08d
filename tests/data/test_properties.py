"""What must be so for all options, and for all images that are prepared."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import pytest
import torch
from bad_inputs.kind import outcome
from helpers.property import folder
from hypothesis import assume, given
from hypothesis import strategies as st

from data.transforms import Preprocess
from options.base_options import INITS, NORMS, PREPROCESS
from options.saved import dump_options, read_options
from options.test_options import TestOptions
from options.train_options import TrainOptions

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["cycle_gan", "pix2pix", "template"]),
        "ngf": st.integers(1, 4096),
        "norm": st.sampled_from(NORMS),
        "init_type": st.sampled_from(INITS),
        "lr": st.floats(0, 1e6),
        "beta1": st.floats(0, 1, exclude_max=True),
        "max_dataset_size": st.just(math.inf) | st.integers(1, 10**9),
        "crop_size": st.integers(1, 286),
        "preprocess": st.sampled_from(PREPROCESS),
        "no_flip": st.booleans(),
        "serial_batches": st.booleans(),
        "n_epochs": st.integers(1, 10**6),
        "seed": st.integers(0, 10**12),
        "display_env": TEXT,
        "dataroot": TEXT.filter(bool),
        "netG": TEXT,
    },
)


@given(FLAGS)
def test_options_survive_being_saved_and_read_back(flags: dict[str, Any]) -> None:
    words = ["--dataroot=D"]
    for name, value in flags.items():
        switch = name if value else f"no_{name}".replace("no_no_", "")
        words.append(f"--{switch}" if isinstance(value, bool) else f"--{name}={value}")
    asked = TrainOptions.parse(words)
    assert {**asked.values(), **flags} == asked.values()
    with folder() as place:
        file = place / "options.json"
        file.write_text(asked.json(), encoding="utf-8")
        again = TrainOptions.parse(["--options", str(file)])
    assert again.values() == asked.values()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@given(st.dictionaries(st.text(max_size=9), JSON))
def test_any_values_survive_an_options_file(values: dict[str, Any]) -> None:
    assume("inf" not in values.values())  # which stands for infinity
    with folder() as place:
        (place / "o.json").write_text(dump_options(values), encoding="utf-8")
        assert read_options(place / "o.json") == values


@given(
    st.dictionaries(st.sampled_from(["ngf", "lr", "model", "dataset_mode", "norm", "seed"]), JSON)
)
def test_any_saved_values_are_taken_or_refused_without_a_traceback(values: dict[str, Any]) -> None:
    with folder() as place:
        (place / "o.json").write_text(dump_options(values), encoding="utf-8")
        parsed_or_refused(["--dataroot=D", "--options", str(place / "o.json")])


NAMES = ["--name", "--model", "--dataset_mode", "--ngf", "--lr", "--no_flip", "--suffix", "--phase"]
WORDS = st.sampled_from([*NAMES, "--", "-1", "pix2pix", "aligned", "--m", "--netG=", "{x", "nan"])


@given(st.lists(WORDS | st.text(max_size=9), max_size=6))
def test_no_command_line_ends_in_anything_but_options_or_a_message(words: list[str]) -> None:
    parsed_or_refused(["--dataroot", "D", *words])


def parsed_or_refused(words: list[str]) -> None:
    for options in (TrainOptions, TestOptions):
        ended = outcome(lambda o=options: o.parse(words))
        assert ended.how in ("works", "message"), ended.text
        assert ended.how == "works" or ended.text


SIDES = st.integers(1, 300)


@st.composite
def preparations(draw: Any, augment: st.SearchStrategy[bool]) -> tuple[Preprocess, torch.Tensor]:
    """A way to prepare images, and an image."""
    mode, multiple = draw(st.sampled_from(PREPROCESS)), draw(st.sampled_from([1, 2, 4, 8, 16]))
    crop_size = draw(st.integers(1, 8)) * multiple
    load_size = max(2, crop_size) + draw(st.integers(0, 64))  # PyTorch fails at a width of 1
    smallest = draw(st.integers(1, 24))
    prepared = Preprocess(
        mode,
        (load_size, load_size),
        (crop_size, crop_size),
        multiple,
        smallest,
        draw(augment),
        draw(st.booleans()),
    )
    height, width = draw(SIDES), draw(SIDES)
    assume(max(height / width, width / height) < 40)  # thinner ones are scaled to a lot of pixels
    generator = torch.Generator().manual_seed(height * 301 + width)
    return prepared, torch.randint(
        0, 256, (3, height, width), dtype=torch.uint8, generator=generator
    )


def wanted_size(prepared: Preprocess, height: int, width: int) -> tuple[int, int]:
    """What docs/datasets.md promises for a test, and for training where there is a crop."""
    if "crop" in prepared.mode:
        return prepared.crop_size
    if prepared.mode == "none":
        return height, width
    load = prepared.load_size[1]
    return max(1, round(height * (load / width))), load


@given(preparations(st.booleans()), st.integers())
def test_prepared_images_have_the_promised_size_and_range(prepared_and_image, seed) -> None:
    prepared, image = prepared_and_image
    height, width = image.shape[-2:]
    if prepared.mode == "crop" and min(height, width) < prepared.crop_size[0]:
        with pytest.raises(ValueError, match="pixels are too few"):
            prepared.sample(image, random.Random(seed))
        return
    sampled = prepared.sample(image, random.Random(seed))
    result = sampled(image)
    assert result.dtype == torch.float32
    assert -1 <= result.min() <= result.max() <= 1
    wanted = wanted_size(prepared, height, width)
    if prepared.augment and "crop" not in prepared.mode:
        for side, free in zip(result.shape[-2:], wanted, strict=True):
            assert side % prepared.multiple == 0
            assert side >= prepared.smallest
            grown_to_the_least = side - prepared.multiple < prepared.smallest
            assert abs(side - free) <= prepared.multiple / 2 or grown_to_the_least
    else:
        assert tuple(result.shape[-2:]) == wanted


@given(preparations(st.just(True)), st.integers())
def test_one_draw_does_the_same_to_both_images_of_a_pair(prepared_and_image, seed) -> None:
    prepared, image = prepared_and_image
    assume(prepared.mode != "crop" or min(image.shape[-2:]) >= prepared.crop_size[0])
    same = prepared.sample(image, random.Random(seed))
    assert torch.equal(same(image), same(image.clone()))
    assert torch.equal(same(image), prepared.sample(image, random.Random(seed))(image))
    assert torch.equal(same(image[[2, 0, 1]]), same(image)[[2, 0, 1]])
    brightness = same.pixels(image).int() + same.pixels(255 - image).int()
    assert (
        brightness - 255
    ).abs().max() <= 4  # the negative lands at the same place, rounded twice


@given(preparations(st.just(True)), st.integers())
def test_a_flip_is_the_exact_mirror_of_none(prepared_and_image, seed) -> None:
    prepared, image = prepared_and_image
    assume(prepared.mode != "crop" or min(image.shape[-2:]) >= prepared.crop_size[0])
    sampled = prepared.sample(image, random.Random(seed))
    there, back = (dataclasses.replace(sampled, mirrored=flip)(image) for flip in (True, False))
    assert torch.equal(there, back.flip(-1))
