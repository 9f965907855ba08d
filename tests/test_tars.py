"""Tars are read as if they were folders, whatever is in them, and whatever their index files say."""

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
from data_helpers import dataset
from PIL import Image
from tar_helpers import as_in_folders, in_tars, write_tar

import data.tar_files
from data.checks import header_size, quick_findings
from data.image_folder import list_images
from data.image_names import member_image
from data.image_reader import BadImage, read_image
from data.loader import Loader
from data.tar_files import forget_tars, image_bytes
from data.tar_table import read_index, scan, write_index
from util.errors import InputError
from util.results import result_name


def png(seed: int = 0, height: int = 32, width: int = 32) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(seed, height, width)).save(file, "png")
    return file.getvalue()


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


def with_size(content: bytes, size: bytes) -> bytes:
    """A tar whose first header gives another size, and is right otherwise."""
    header = content[:124] + size + content[136:148] + b" " * 8 + content[156:512]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:] + content[512:]


def damaged(content: bytes) -> dict[str, bytes]:
    """Bytes of a tar with one 32x32 picture, spoilt in several ways."""
    end = 512 * (1 - -len(png()) // 512)
    return {
        "empty": b"",
        "text": b"hello\n" * 200,
        "cut in an image": content[:900],
        "cut in a header": content[:300],
        "without its end": content[:end],
        "gzip": gzip.compress(content),
        "second header spoilt": content[:end] + b"x" * 2048,
        "negative size": with_size(content, b"\xff" * 12),
        "too large": with_size(content, b"77777777777\0"),
        "far too large": with_size(content, b"\x80" + b"\x7f" * 11),
    }


@pytest.mark.parametrize("how", damaged(bytes(512)))
def test_damaged_tars_are_named_when_images_are_listed(how, tmp_path) -> None:
    tar = Path(write_tar(tmp_path / "0.tar", {"a.png": png()}))
    tar.write_bytes(damaged(tar.read_bytes())[how])
    with pytest.raises(
        InputError, match=r"0\.tar cannot be read as a plain, uncompressed tar \(.+\)"
    ):
        list_images(tmp_path)


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


def test_bad_images_in_tars_are_told_of_like_bad_files(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(), "b.png": png()[:100], "c.jpg": b""})
    items = dataset(tmp_path, "single")
    loader = Loader(items, num_threads=1, bad_images="skip")
    assert len(list(loader.epoch(1))) == 1
    assert set(loader.skipped) == {f"{tar}/b.png", f"{tar}/c.jpg"}
    with pytest.raises(BadImage, match=r"0\.tar/d\.png: .*holds no image d\.png"):
        read_image(f"{tar}/d.png", 3)


def test_a_tar_that_is_cut_short_while_it_is_used_makes_bad_images(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1), "b.png": png(2)})
    items = dataset(tmp_path, "single")
    assert not isinstance(items[0], BadImage)
    os.truncate(tar, 2000)
    assert "cut short" in items[1].reason
    forget_tars()
    assert "cannot be read as a plain" in items[1].reason


def test_an_index_file_says_what_the_headers_say(tmp_path) -> None:
    names = [
        "a.png",
        "x/ä b.png",
        "line\nbreak.png",
        "back\\slash\\n.png",
        os.fsdecode(b"\xff.png"),
        "l" * 300 + ".JPG",
    ]
    tar = write_tar(tmp_path / "0.tar", {name: png(i) for i, name in enumerate(names)})
    write_index(tar, scan(tar))
    found, read = scan(tar), read_index(tar)
    assert read is not None
    assert read.names == found.names == sorted(names)
    assert read.offsets.tolist() == found.offsets.tolist()
    assert read.sizes.tolist() == found.sizes.tolist()
    for i, name in enumerate(names):
        assert image_bytes(f"{tar}/{name}") == png(i)


SPOILT = {
    "outside the tar": lambda text: text.replace("\n512 ", "\n9999872 "),
    "between blocks": lambda text: text.replace("\n512 ", "\n513 "),
    "larger than the tar": lambda text: text.replace("\n512 ", "\n512 9"),
    "huge numbers": lambda text: text.replace("\n512 ", "\n" + "9" * 400 + " "),
    "negative": lambda text: text.replace("\n512 ", "\n-512 "),
    "leads elsewhere": lambda text: text.replace("a.png", "../a.png"),
    "absolute": lambda text: text.replace("a.png", "/etc/a.png"),
    "no image": lambda text: text.replace("a.png", "a.txt"),
    "null": lambda text: text.replace("a.png", "a\0.png"),
    "cut": lambda text: text[:-5],
    "a line less": lambda text: "\n".join(text.split("\n")[:-2]) + "\n",
    "a line twice": lambda text: text + text.split("\n")[-2] + "\n",
    "out of order": lambda text: text.replace("b.png", "0.png"),
    "another tar": lambda text: text.replace(" bytes", "0 bytes"),
    "empty": lambda text: "",
    "nonsense": lambda text: "\xff\0nonsense",
    "much too long": lambda text: text + "9" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_an_index_file_that_does_not_fit_is_not_used(how, tmp_path, caplog) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1), "b.png": png(2)})
    write_index(tar, scan(tar))
    index = Path(tar + ".index")
    spoilt = SPOILT[how](index.read_text())
    assert spoilt != index.read_text()
    index.write_bytes(spoilt.encode("latin-1"))
    assert [Path(path).name for path in list_images(tmp_path)] == ["a.png", "b.png"]
    assert "0.tar.index does not fit its tar or is older, as 1 of 1 index files" in caplog.text
    assert image_bytes(f"{tar}/b.png") == png(2)


def test_an_index_file_older_than_its_tar_is_not_used(tmp_path) -> None:
    tar = write_tar(tmp_path / "0.tar", {"a.png": png(1)})
    write_index(tar, scan(tar))
    assert read_index(tar) is not None
    os.utime(tar + ".index", (1, 1))
    assert read_index(tar) is None
    os.remove(tar + ".index")
    os.mkfifo(tar + ".index")
    assert read_index(tar) is None


def test_few_tars_are_open_at_a_time_and_closed_again(tmp_path) -> None:
    for number in range(data.tar_files.OPEN + 4):
        write_tar(tmp_path / f"{number:02d}.tar", {"a.png": png(number)})
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for number, path in enumerate(list_images(tmp_path)):
        assert image_bytes(path) == png(number)
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + data.tar_files.OPEN
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
    assert not [found for found in quick_findings(items) if "counterpart" in found.text]
