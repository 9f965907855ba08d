"""What must be so for all checkpoints, and for all damage to files."""

from __future__ import annotations

import contextlib
import gzip
import math
from typing import Any

import torch
from bad_inputs import images
from helpers.archives import PICTURES, SAFE, tarred, zipped
from helpers.property import folder
from hypothesis import given, settings
from hypothesis import strategies as st

from util.checkpoints import files as checkpoint
from util.download.unpack import ArchiveError, unpack
from util.errors import InputError
from util.images.read import BadImage, read_image

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.uint8,
    torch.bool,
    torch.complex64,
]


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
