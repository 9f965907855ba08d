"""Tars are read as if they were folders, whatever is in them."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, write_images
from helpers.data import dataset
from helpers.tar import as_in_folders, in_tars, png, write_tar
from PIL import Image

from data.checks.quick import header_size, headers_of, quick_findings
from data.files.image_folder import list_images
from util.errors import InputError
from util.images.names import member_image
from util.images.read import read_image
from util.images.tars import OPEN, forget_tars, image_bytes
from util.pages.results import result_name

MODES = {
    "aligned": {},
    "unaligned": {},
    "single": {},
    "colorization": {"input_nc": 1, "output_nc": 2},
    "template": {},
}


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_items_are_those_of_the_folders(mode, indexed, paired, unpaired, tmp_path) -> None:
    root = paired if mode in ("aligned", "colorization") else unpaired
    out = in_tars(root, tmp_path / "shards", indexed=indexed)
    flags = {"augment": True, "preprocess": "crop", "crop_size": 24, **MODES[mode]}
    files, tars = dataset(root, mode, **flags), dataset(out, mode, **flags)
    assert len(tars) == len(files)
    for position in [(epoch, item) for epoch in (1, 2) for item in range(len(files))]:
        one, other = files[position], tars[position]
        assert one.keys() == other.keys()
        for key, value in one.items():
            if torch.is_tensor(value):
                assert torch.equal(value, other[key])
            elif key != "number":
                assert value == as_in_folders(other[key], out, root)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp"])
def test_every_format_is_decoded_from_a_tar_as_from_a_file(suffix, tmp_path) -> None:
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(picture(0, 20, 30)).save(file)
    tar = write_tar(tmp_path / "0.tar", {file.name: file.read_bytes()})
    for channels in (1, 3):
        inside = f"{tar}/{file.name}"
        assert torch.equal(read_image(inside, channels), read_image(str(file), channels))
    assert header_size(inside) == (20, 30)
    assert image_bytes(inside) == file.read_bytes()


def test_a_tar_may_hold_folders_other_files_and_hidden_ones(tmp_path) -> None:
    names = [
        "./b.png",
        "a/1.PNG",
        "a/1.json",
        ".c.png",
        "a/.x/1.png",
        "._b.png",
        "../../up.png",
        "/etc/d.png",
    ]
    tar = write_tar(tmp_path / "0.tar", {name: png() for name in names})
    write_images(tmp_path / "0.tar-beside", 1)
    listed = [str(Path(path).relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert listed == [
        "0.tar-beside/000.png",
        "0.tar/a/1.PNG",
        "0.tar/b.png",
        "0.tar/etc/d.png",
        "0.tar/up.png",
    ]
    assert read_image(f"{tar}/up.png", 3).shape == (3, 32, 32)
    assert member_image("a/../../x/../b.png") == "b.png"
    assert len(list_images(tmp_path, 2)) == 2


def test_a_folder_called_like_a_tar_is_a_folder(tmp_path) -> None:
    write_images(tmp_path / "old.tar", 2)
    assert len(dataset(tmp_path, "single")) == 2
    assert dataset(tmp_path, "single")[1]["A_paths"] == str(tmp_path / "old.tar/001.png")
    assert dataset(tmp_path, "single").item_shards() is None


def test_of_members_with_one_name_the_last_counts(tmp_path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as archive:
        for name, seed in (("a.png", 1), ("./a.png", 2)):
            member = tarfile.TarInfo(name)
            member.size = len(png(seed))
            archive.addfile(member, io.BytesIO(png(seed)))
    (path,) = list_images(tmp_path)
    assert np.array_equal(read_image(path, 3).permute(1, 2, 0).numpy(), picture(2, 32, 32))


def test_links_in_tars_are_passed_over(tmp_path) -> None:
    write_tar(tmp_path / "1.tar", {"b.png": png()})
    write_tar(tmp_path / "2.tar", {"c.png": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert [Path(path).name for path in list_images(tmp_path)] == ["b.png"]


def test_compressed_tars_are_refused_unless_they_lie_beside_images(tmp_path) -> None:
    (tmp_path / "0.tar.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match=r"0\.tar\.gz is compressed.*unpack it.*make_shards"):
        list_images(tmp_path)
    write_images(tmp_path, 1)
    assert len(list_images(tmp_path)) == 1


def test_a_tar_without_images_holds_none(tmp_path) -> None:
    write_tar(tmp_path / "0.tar", {"a.txt": b"hello"})
    with pytest.raises(InputError, match="holds no images"):
        list_images(tmp_path)


def test_few_tars_are_open_at_a_time_and_closed_again(tmp_path) -> None:
    for number in range(OPEN + 4):
        write_tar(tmp_path / f"{number:02d}.tar", {"a.png": png(number)})
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for number, path in enumerate(list_images(tmp_path)):
        assert image_bytes(path) == png(number)
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + OPEN
        forget_tars()
        assert len(os.listdir("/proc/self/fd")) <= before


def test_the_cache_knows_images_in_tars_by_their_content(tmp_path, unpaired) -> None:
    out = in_tars(unpaired, tmp_path / "shards")
    flags = {"cache": str(tmp_path / "cache"), "preprocess": "resize_and_crop", "crop_size": 24}
    files, tars = dataset(unpaired, "single", **flags), dataset(out, "single", **flags)
    first = [files[i] for i in range(len(files))]
    entries = list((tmp_path / "cache").rglob("*"))
    assert all(torch.equal(tars[i]["A"], first[i]["A"]) for i in range(len(files)))
    assert list((tmp_path / "cache").rglob("*")) == entries
    tar = out / "trainA/000000.tar"
    write_tar(tar, {"000.png": png(7), "001.png": png(8)})
    forget_tars()
    assert not torch.equal(dataset(out, "single", **flags)[6]["A"], first[6]["A"])


def test_results_are_named_as_those_of_folders() -> None:
    assert result_name("D/testA/000003.tar/photos/1.jpg", "D", "test") == "photos/1"
    assert result_name("D/000003.tar/1.jpg", "D", "test") == "1"
    assert result_name("D/old.tar.jpg", "D", "test") == "old.tar"


def test_checks_look_into_few_tars_and_compare_names_without_them(tmp_path, unpaired) -> None:
    for folder, images in (("trainA", 2), ("trainB", 3)):
        write_images(tmp_path / "files" / folder, 30)
        in_tars(tmp_path / "files", tmp_path / "shards", images)
    items = dataset(tmp_path / "shards", "template", max_dataset_size=float("inf"))
    assert not [
        found for found in quick_findings(items, headers_of(items)) if "counterpart" in found.text
    ]
