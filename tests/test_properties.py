"""What holds for all values: options, transforms, pages, results, checkpoints, pools, learning rates."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bad_inputs import images
from bad_inputs.kind import outcome
from bad_inputs.pages import checked_page
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_download import PICTURES, SAFE, tarred, zipped

from data import dataset_options
from data.image_reader import BadImage, read_image
from data.transforms import Preprocess
from models import model_options
from options.base_options import INITS, NORMS, PREPROCESS
from options.parsing import dump_options, read_options
from options.test_options import TestOptions
from options.train_options import LR_POLICIES, TrainOptions
from util import checkpoint
from util.errors import InputError
from util.html import Picture, Row, write_page
from util.image_pool import ImagePool
from util.lr_schedule import lr_multiplier
from util.results import ResultWriter, result_name
from util.unpack import ArchiveError, unpack

settings.register_profile("stable", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("stable")


@contextlib.contextmanager
def folder():
    """A new folder for every example."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# ------------------------------------------------------------------ options

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
    asked = TrainOptions.parse(words, model_options, dataset_options)
    assert {**asked.values(), **flags} == asked.values()
    with folder() as place:
        file = place / "options.json"
        file.write_text(asked.json(), encoding="utf-8")
        again = TrainOptions.parse(["--options", str(file)], model_options, dataset_options)
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
        ended = outcome(lambda o=options: o.parse(words, model_options, dataset_options))
        assert ended.how in ("works", "message"), ended.text
        assert ended.how == "works" or ended.text


# ------------------------------------------------------------------ transforms

SIDES = st.integers(1, 300)


@st.composite
def preparations(draw: Any, augment: st.SearchStrategy[bool]) -> tuple[Preprocess, torch.Tensor]:
    """A way to prepare images, and an image."""
    mode, multiple = draw(st.sampled_from(PREPROCESS)), draw(st.sampled_from([1, 2, 4, 8, 16]))
    crop_size = draw(st.integers(1, 8)) * multiple
    load_size = max(2, crop_size) + draw(st.integers(0, 64))  # PyTorch fails at a width of 1
    smallest = draw(st.integers(1, 24))
    prepared = Preprocess(
        mode, load_size, crop_size, multiple, smallest, draw(augment), draw(st.booleans())
    )
    height, width = draw(SIDES), draw(SIDES)
    assume(max(height / width, width / height) < 40)  # thinner ones are scaled to a lot of pixels
    generator = torch.Generator().manual_seed(height * 301 + width)
    return prepared, torch.randint(
        0, 256, (3, height, width), dtype=torch.uint8, generator=generator
    )


def wanted_size(prepared: Preprocess, height: int, width: int) -> tuple[int, int]:
    """What docs/datasets.md promises for a test, and for training where there is a crop."""
    if prepared.mode == "resize_and_crop" and not prepared.augment:
        return (prepared.crop_size, prepared.crop_size)
    if "crop" in prepared.mode:
        return prepared.crop_size, prepared.crop_size
    if prepared.mode == "none":
        return height, width
    return max(1, round(height * (prepared.load_size / width))), prepared.load_size


@given(preparations(st.booleans()), st.integers())
def test_prepared_images_have_the_promised_size_and_range(prepared_and_image, seed) -> None:
    prepared, image = prepared_and_image
    height, width = image.shape[-2:]
    if prepared.mode == "crop" and min(height, width) < prepared.crop_size:
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
    assume(prepared.mode != "crop" or min(image.shape[-2:]) >= prepared.crop_size)
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
    assume(prepared.mode != "crop" or min(image.shape[-2:]) >= prepared.crop_size)
    sampled = prepared.sample(image, random.Random(seed))
    there, back = (dataclasses.replace(sampled, mirrored=flip)(image) for flip in (True, False))
    assert torch.equal(there, back.flip(-1))


# ------------------------------------------------------------------ pages and results

FILE_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..", "index.html"))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(
    TEXTS,
    st.lists(st.tuples(TEXTS, st.lists(st.tuples(FILE_NAMES, TEXTS), max_size=3)), max_size=3),
)
def test_a_page_gives_its_texts_back_and_its_links_lead_to_the_files(title, rows) -> None:
    with folder() as place:
        for _, pictures in rows:
            for name, _ in pictures:
                (place / name).write_bytes(b"")
        content = [Row(heading, [Picture(*pair) for pair in pairs]) for heading, pairs in rows]
        write_page(place / "index.html", title, content, width=99, refresh=3)
        page = checked_page(place / "index.html")
    assert page.texts["h1"] == [title]
    assert page.texts.get("h3", []) == [heading for heading, _ in rows]
    labels = [label for _, pictures in rows for _, label in pictures]
    assert page.texts.get("span", []) == labels


PATHS = st.lists(FILE_NAMES, min_size=1, max_size=3).map("/".join)
ENDINGS = st.sampled_from([".png", ".jpg", ".PNG", ".tar.png"])


@given(st.lists(PATHS, min_size=1, max_size=4), ENDINGS)
def test_a_result_lies_below_the_folder_of_results(paths: list[str], ending: str) -> None:
    for path in paths:
        parts = Path(result_name(f"D/{path}{ending}", "D", "test")).parts
        assert ".." not in parts
        assert not Path(*parts).is_absolute()


PLACES = st.sampled_from(["", "test/", "testA/", "testB/", "a/", "testA/a/", "a_png/"])
STEMS = st.sampled_from(["a", "a_png", "a_jpg", "testA", "a.b", "a_fake", "..a", "ü", " "])
INPUTS = st.builds("D/{}{}{}".format, PLACES, STEMS, ENDINGS)


@given(st.lists(INPUTS, min_size=1, max_size=8, unique=True))
def test_two_inputs_never_share_a_result(inputs: list[str]) -> None:
    with folder() as place:
        refused = 1
        with (
            contextlib.suppress(InputError),  # rather none than the wrong one
            ResultWriter(place, "title", dataroot="D", phase="test", width=9) as writer,
        ):
            for i, path in enumerate(inputs):
                image = np.full((1, 1), i, np.uint8)
                writer.add({"real": image, "fake": image}, {"real": path, "fake": path})
            refused = 0
        page = checked_page(place / "index.html")
        files = [place / "images" / f"{heading}_real.png" for heading in page.texts["h3"]]
        assert len(set(files)) == len(files)
        assert refused or len(files) == len(inputs)
        for i, file in enumerate(files):
            with Image.open(file) as image:
                assert image.getpixel((0, 0)) == i


# ------------------------------------------------------------------ checkpoints

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8]
DTYPES += [torch.bool, torch.complex64]


@st.composite
def tensors(draw: Any) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    dtype = draw(st.sampled_from(DTYPES))
    tensor = (torch.arange(math.prod(shape)) - 3).reshape(shape).to(dtype)
    layout = draw(st.sampled_from(["plain", "transposed", "slice", "expanded"]))
    if layout == "transposed":
        return tensor.movedim(0, -1) if shape else tensor
    if layout == "slice":
        return tensor[..., :1] if shape else tensor
    return tensor.unsqueeze(0).expand(2, *shape) if layout == "expanded" else tensor


KEYS = st.text(max_size=5) | st.integers()
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
CONTENTS = st.recursive(
    tensors() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    """Whether nested contents are equal, tensors in type and shape too."""
    if isinstance(one, torch.Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(CONTENTS)
def test_a_checkpoint_gives_back_what_was_saved(content: Any) -> None:
    with folder() as place:
        checkpoint.save(place / "a.pth", content)
        assert same(content, checkpoint.load(place / "a.pth"))
        assert [file.name for file in place.iterdir()] == ["a.pth"]


@given(st.binary(max_size=200), st.integers(0, 10**6), st.booleans())
def test_a_damaged_checkpoint_is_read_or_refused_but_never_crashes(noise, where, cut) -> None:
    with folder() as place:
        path = place / "a.pth"
        checkpoint.save(path, {"w": torch.arange(9.0), "n": [1, "a"]})
        content = bytearray(path.read_bytes())
        where %= len(content)
        content[where : None if cut else where + len(noise)] = noise
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            checkpoint.load_weights(path)


# ------------------------------------------------------------------ damage

SOURCES = [
    *(make() for _, make, _ in images.GOOD.values()),
    *(images.as_bytes(images.PICTURE.convert(mode), "TIFF") for mode in ("RGB", "CMYK", "1", "F")),
]


@st.composite
def damaged(draw: Any, sources: list[bytes]) -> bytes:
    """One of the sources, some of its bytes replaced, removed or repeated."""
    content = bytearray(draw(st.sampled_from(sources)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, 2**32)) % max(1, len(content))
        content[start : start + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(content)


@settings(max_examples=300)
@given(damaged(SOURCES), st.sampled_from([1, 3]))
def test_a_damaged_image_is_read_or_is_a_bad_image(content: bytes, channels: int) -> None:
    with folder() as place:
        path = place / "a.png"
        path.write_bytes(content)
        try:
            image = read_image(str(path), channels)
        except BadImage:
            return
    assert image.dtype == torch.uint8
    assert image.shape[0] == channels


ARCHIVES = [zipped(PICTURES), zipped(SAFE), tarred(SAFE), gzip.decompress(tarred(SAFE))]


@settings(max_examples=200)
@given(damaged(ARCHIVES))
def test_a_damaged_archive_is_unpacked_below_its_folder_or_leaves_nothing(content: bytes) -> None:
    with folder() as place:
        (place / "archive").write_bytes(content)
        try:
            n_files = unpack(place / "archive", place / "mini", limit=1 << 20)
        except (ArchiveError, OSError):
            assert [file.name for file in place.iterdir()] == ["archive"]
            return
        assert {file.name for file in place.iterdir()} == {"archive", "mini"}
        assert 0 < sum(file.is_file() for file in (place / "mini").rglob("*")) <= n_files


# ------------------------------------------------------------------ pools and learning rates

BATCHES = st.lists(st.integers(1, 3), min_size=1, max_size=12)


def numbered(first: int, count: int) -> torch.Tensor:
    """(count, 1, 1, 1): images that can be told apart."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(count, 1, 1, 1)


@given(st.integers(0, 6), BATCHES, st.integers())
def test_a_pool_returns_only_what_was_put_in_and_stays_within_its_size(size, batches, seed) -> None:
    pool, shown = ImagePool(size, random.Random(seed)), 0
    for count in batches:
        images = numbered(shown, count)
        shown += count
        answer = pool.query(images)
        assert answer.shape == images.shape
        assert 0 <= answer.min() <= answer.max() < shown
        assert len(pool.images) <= size
        if shown <= size:
            assert torch.equal(answer, images)  # not full yet


@given(st.integers(0, 6), BATCHES, BATCHES, st.integers(), st.integers())
def test_a_restored_pool_goes_on_as_the_first_would_have(size, before, after, seed, other) -> None:
    pool, restored = (ImagePool(size, random.Random(s)) for s in (seed, other))
    for i, count in enumerate(before):
        pool.query(numbered(10 * i, count))
    restored.load_state_dict(checkpoint.on_cpu(pool.state_dict()))
    for i, count in enumerate(after):
        images = numbered(1000 + 10 * i, count)
        assert torch.equal(pool.query(images), restored.query(images))


@given(
    st.sampled_from(LR_POLICIES),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 100),
    st.lists(st.floats(-1e6, 1e6), max_size=60),
    st.data(),
)
def test_the_learning_rate_is_never_above_its_start_nor_gone(
    policy, n_epochs, n_epochs_decay, step, metric, data
) -> None:
    last = n_epochs + n_epochs_decay
    assume(last)
    epoch = data.draw(st.integers(1, last))
    arguments = (policy, n_epochs, n_epochs_decay, step, metric)
    now = lr_multiplier(epoch, *arguments)
    assert 0 < now <= 1
    if epoch < last:
        assert lr_multiplier(epoch + 1, *arguments) <= now + 1e-12  # no policy rises
    if policy == "linear" and epoch <= n_epochs:
        assert now == 1


@pytest.mark.parametrize("policy", LR_POLICIES)
def test_the_first_epoch_has_the_whole_learning_rate(policy: str) -> None:
    assert lr_multiplier(1, policy, 3, 2, 50) == 1
