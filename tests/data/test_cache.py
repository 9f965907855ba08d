"""--cache: the same pixels, decoded once, whatever happens to the folder or the files."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, write_images
from helpers.data import dataset
from PIL import Image

from data.loading.loader import Loader
from util.errors import InputError
from util.images.read import BadImage

FLAGS = {"preprocess": "resize_and_crop", "load_size": 30, "crop_size": 24, "no_flip": False}


def all_batches(root: Path, cache: Path | str, mode: str = "unaligned", threads: int = 0, **flags):
    items = dataset(root, mode, augment=True, cache=str(cache), **{**FLAGS, **flags})
    loader = Loader(items, batch_size=2, num_threads=threads, shuffle=True, seed=5)
    return [batch for epoch in (1, 2) for batch in loader.epoch(epoch)]


def assert_same(batches, others) -> None:
    for one, other in zip(batches, others, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]) if torch.is_tensor(value) else value == other[key]


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"preprocess": "scale_width"},
        {"preprocess": "none", "multiple": 24},
        {"preprocess": "crop"},
        {"input_nc": 1, "direction": "BtoA"},
    ],
)
def test_batches_are_the_same_with_and_without(unpaired, paired, tmp_path, flags, threads) -> None:
    for root, mode in ((unpaired, "unaligned"), (paired, "aligned")):
        plain = all_batches(root, "", mode, **flags)
        for _ in range(2):  # while it is filled, and from what it holds
            cached = all_batches(root, tmp_path / mode, mode, threads, **flags)
            assert_same(cached, plain)
        assert len(entries(tmp_path / mode)) == (11 if mode == "unaligned" else 6)


def test_a_second_run_decodes_nothing(unpaired, tmp_path, monkeypatch) -> None:
    first = all_batches(unpaired, tmp_path)
    monkeypatch.setattr(Image, "open", None)  # Pillow's
    assert_same(all_batches(unpaired, tmp_path), first)


def test_other_sizes_are_kept_apart(unpaired, tmp_path) -> None:
    all_batches(unpaired, tmp_path)
    smaller = all_batches(unpaired, tmp_path, load_size=26)
    assert_same(smaller, all_batches(unpaired, "", load_size=26))
    assert len(entries(tmp_path)) == 22


def test_a_file_that_changes_is_read_anew_also_within_a_run(tmp_path) -> None:
    write_images(tmp_path / "images", 1)
    items = dataset(tmp_path / "images", "single", cache=str(tmp_path / "cache"))
    before, path = items[0]["A"], tmp_path / "images/000.png"
    other = picture(7, 32, 32)
    Image.fromarray(other).save(path)
    os.utime(path, (1, 1))
    assert not torch.equal(items[0]["A"], before)
    assert np.array_equal(items[0]["A"].permute(1, 2, 0).numpy(), other)


def test_equal_files_share_an_entry(tmp_path) -> None:
    write_images(tmp_path / "a/images", 1)
    write_images(tmp_path / "b/images", 1)
    for name in "ab":
        dataset(tmp_path / name, "single", cache=str(tmp_path / "cache"))[0]
    assert len(entries(tmp_path / "cache")) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[:-9],
        lambda content: content + b"x",
        lambda content: content[:100] + bytes(512) + content[612:],
        lambda content: bytes(len(content)),
        lambda content: content[:24] + b"\xff" * 24 + content[48:],
    ],
)
def test_a_damaged_entry_is_made_again(unpaired, tmp_path, damage) -> None:
    first = all_batches(unpaired, tmp_path)
    whole = {path: path.read_bytes() for path in entries(tmp_path)}
    for path, content in whole.items():
        path.write_bytes(damage(content))
    assert_same(all_batches(unpaired, tmp_path), first)
    assert {path: path.read_bytes() for path in entries(tmp_path)} == whole


def test_a_folder_that_cannot_be_written_to_costs_one_warning(unpaired, tmp_path, caplog) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for i in range(256):  # a file where each sub-folder would be
        (cache / f"{i:02x}").touch()
    with caplog.at_level(logging.WARNING):
        assert_same(all_batches(unpaired, cache), all_batches(unpaired, ""))
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith(f"--cache {cache}: no more images are kept (")


def test_a_cache_that_cannot_be_a_folder_is_refused(unpaired, tmp_path) -> None:
    (tmp_path / "file").touch()
    for bad in (str(tmp_path / "file"), "a\x00b"):
        with pytest.raises(InputError, match="cannot make the folder"):
            dataset(unpaired, "unaligned", cache=bad)


def test_bad_images_are_named_as_ever(tmp_path) -> None:
    write_images(tmp_path / "images", 1)
    (tmp_path / "images/bad.png").write_bytes(b"no image")
    items = dataset(tmp_path / "images", "single", cache=str(tmp_path / "cache"))
    assert isinstance(items[1], BadImage)
    assert len(entries(tmp_path / "cache")) == 0


def test_an_entry_with_a_flipped_byte_anywhere_is_made_again_and_blames_no_image(tmp_path) -> None:
    write_images(tmp_path / "images", 1, 32, 32)
    flags = {"augment": True, "preprocess": "crop", "crop_size": 24}
    items = dataset(tmp_path / "images", "single", cache=str(tmp_path / "cache"), **flags)
    first = items[0]["A"]
    (entry,) = entries(tmp_path / "cache")
    whole = entry.read_bytes()
    for position in [*range(64), len(whole) - 1]:  # magic, checksum, size, parts, shapes; a pixel
        for bit in (1, 128):
            damaged = bytearray(whole)
            damaged[position] ^= bit
            entry.write_bytes(damaged)
            assert torch.equal(items[0]["A"], first)
            assert entry.read_bytes() == whole
