"""Archives and weights files are unpacked safely, or refused."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from helpers.archives import HOSTILE, OUTSIDE, SAFE, claimed, odd, tarred, zipped
from helpers.download import MINI, tree

from util.download.download import download
from util.download.unpack import ArchiveError, unpack
from util.errors import InputError


def test_pth_that_would_run_code_is_refused_and_not_run(mirror, tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    for legacy in (True, False):
        file = io.BytesIO()
        torch.save({"w": Evil()}, file, _use_new_zipfile_serialization=not legacy)
        mirror.files["/pix2pix/models-pytorch/map2sat.pth"] = file.getvalue()
        with pytest.raises(InputError, match="would run code|refused"):
            download("pix2pix_model", "map2sat", out=tmp_path / "checkpoints")
    assert not ran.exists()
    assert not tree(tmp_path)


def damaged_weights() -> dict[str, bytes]:
    """What a .pth may be in place of a network's weights."""
    whole, file = io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.ones(999)}, whole)
    altered = bytearray(whole.getvalue())
    altered[altered.index(torch.ones(9).numpy().tobytes())] ^= 1
    with zipfile.ZipFile(whole) as archive:
        compressed = zipped({name: archive.read(name) for name in archive.namelist()})
    torch.save({"w": torch.ones(999)}, file, _use_new_zipfile_serialization=False)
    contents = {"an empty dict": {}, "a list": [torch.ones(1)], "numbers": {"w": 1.0}}
    made = {name: io.BytesIO() for name in contents}
    for name, content in contents.items():
        torch.save(content, made[name])
    return {
        "truncated": whole.getvalue()[:-500],
        "truncated, of before PyTorch 1.6": file.getvalue()[:-500],
        "altered": bytes(altered),
        "compressed": compressed,
        **{name: saved.getvalue() for name, saved in made.items()},
    }


@pytest.mark.parametrize("name", damaged_weights())
def test_pth_that_holds_no_whole_weights_is_refused(name, mirror, tmp_path):
    mirror.files["/pix2pix/models-pytorch/map2sat.pth"] = damaged_weights()[name]
    with pytest.raises(InputError, match="map2sat is not there yet"):
        download("pix2pix_model", "map2sat", out=tmp_path / "checkpoints")
    assert not tree(tmp_path)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused_and_leaves_nothing(name, tmp_path):
    archive = tmp_path / "archive"
    archive.write_bytes(HOSTILE[name]())
    (tmp_path / "secret").write_bytes(b"secret")
    before = sorted(tmp_path.rglob("*"))
    folder = tmp_path / "datasets"
    folder.mkdir()
    limit = 1 << 20 if "bomb" in name else None
    with pytest.raises(ArchiveError):
        unpack(archive, folder / "mini", limit=limit)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, folder])
    assert not Path(OUTSIDE).exists()


def test_small_archive_may_not_unpack_to_more_than_256_mib(tmp_path):
    (tmp_path / "archive").write_bytes(claimed(tarfile.REGTYPE, (256 << 20) + 1))
    with pytest.raises(ArchiveError, match=r"unpacks to more than 0.3 GB"):
        unpack(tmp_path / "archive", tmp_path / "mini")


def test_tar_header_may_not_ask_for_gigabytes_of_memory(tmp_path):
    (tmp_path / "archive").write_bytes(claimed(tarfile.XHDTYPE, (1 << 33) - 1))
    with pytest.raises(ArchiveError, match="asks for 8589934592 bytes of memory"):
        unpack(tmp_path / "archive", tmp_path / "mini")


def test_refused_archive_leaves_the_old_folder_in_place(mirror, tmp_path):
    mirror.files[MINI] = zipped({**SAFE, "../out": b""})
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "own.jpg").write_bytes(b"mine")
    with pytest.raises(InputError):
        download("cyclegan_dataset", "mini", out=tmp_path, force=True)
    assert tree(tmp_path) == {"mini/own.jpg": b"mine"}


def test_leftovers_of_killed_runs_are_cleared(tmp_path):
    (tmp_path / "archive").write_bytes(zipped(SAFE))
    (tmp_path / "mini").mkdir()
    (tmp_path / ".mini.replaced" / "trainA").mkdir(parents=True)
    (tmp_path / ".mini.unpacking" / "content" / "mini").mkdir(parents=True)
    unpack(tmp_path / "archive", tmp_path / "mini")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archive", "mini"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_to_a_file_of_the_archive_becomes_a_copy(kind, tmp_path):
    link = odd("mini/link.jpg", kind, "a.jpg" if kind == tarfile.SYMTYPE else "mini/a.jpg")
    (tmp_path / "archive").write_bytes(tarred(SAFE, link))
    assert unpack(tmp_path / "archive", tmp_path / "mini") == 2
    copy = tmp_path / "mini" / "link.jpg"
    assert copy.read_bytes() == b"picture"
    assert not copy.is_symlink()
    assert copy.stat().st_nlink == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"other/trainA/1.jpg": b"1"}, {"trainA/1.jpg"}),
        ({"trainA/1.jpg": b"1", "trainB/2.jpg": b"2"}, {"trainA/1.jpg", "trainB/2.jpg"}),
        ({"./mini/1.jpg": b"1", "LICENCE": b"2"}, {"1.jpg", "LICENCE"}),
        ({"mini/1.jpg": b"1", "__MACOSX/mini/._1.jpg": b"2", ".DS_Store": b"3"}, {"1.jpg"}),
    ],
)
def test_any_common_layout_ends_as_one_folder_of_the_set(files, expected, tmp_path):
    for archive in (zipped(files), tarred(files), gzip.decompress(tarred(files))):
        (tmp_path / "archive").write_bytes(archive)
        unpack(tmp_path / "archive", tmp_path / "mini")
        assert set(tree(tmp_path / "mini")) == expected
