"""Downloads that break, stall, change or do not fit, and go on."""

from __future__ import annotations

import hashlib
import random
import sys

import pytest
from helpers.archives import PICTURES, zipped
from helpers.download import MINI, tree

from util.download.download import download
from util.download.fetch import CHUNK, FetchError, fetch
from util.errors import InputError


def test_cut_download_goes_on_where_it_stopped(mirror, tmp_path):
    mirror.files["/x"] = content = random.Random(0).randbytes(300_000)
    mirror.cuts = [100_000, 50_000]
    fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=1, timeout=5, pause=0.01)
    assert (tmp_path / "x.part").read_bytes() == content
    assert mirror.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert mirror.served == len(content)


def test_changed_file_starts_over(mirror, tmp_path):
    mirror.files["/x"], mirror.cuts = b"old" * 9000, [9000]
    with pytest.raises(FetchError, match="closed after 9000 of 27000"):
        fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=0, timeout=5)
    mirror.files["/x"], mirror.etag = b"new" * 9000, '"second"'
    fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=0, timeout=5)
    assert (tmp_path / "x.part").read_bytes() == b"new" * 9000


def test_changed_file_starts_over_though_the_server_ignores_if_range(mirror, tmp_path):
    mirror.files["/x"], mirror.cuts, mirror.minds_if_range = b"old" * 9000, [9000], False
    with pytest.raises(FetchError):
        fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=0, timeout=5)
    mirror.files["/x"], mirror.etag = b"new" * 9000, '"second"'
    fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=0, timeout=5)
    assert (tmp_path / "x.part").read_bytes() == b"new" * 9000


@pytest.mark.parametrize(("has_ranges", "etag"), [(False, '"first"'), (True, ""), (True, 'W/"a"')])
def test_starts_over_where_going_on_is_not_safe(has_ranges, etag, mirror, tmp_path):
    mirror.files["/x"] = content = random.Random(0).randbytes(30_000)
    mirror.cuts, mirror.has_ranges, mirror.etag = [9000], has_ranges, etag
    fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=1, timeout=5, pause=0.01)
    assert (tmp_path / "x.part").read_bytes() == content
    assert mirror.served == 9000 + len(content)


def test_complete_part_is_not_downloaded_again(mirror, tmp_path):
    mirror.files["/x"] = bytes(5000)
    for _ in range(2):
        fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=0, timeout=5)
    assert mirror.ranges == [None, "bytes=5000-"]
    assert mirror.served == 5000


def test_part_of_another_address_is_not_gone_on_from(mirror, tmp_path):
    mirror.files["/x"], mirror.files["/y"], mirror.cuts = b"x" * 5000, b"y" * 5000, [999]
    with pytest.raises(FetchError):
        fetch(f"{mirror.url}/x", tmp_path / "part", retries=0, timeout=5)
    fetch(f"{mirror.url}/y", tmp_path / "part", retries=0, timeout=5)
    assert (tmp_path / "part").read_bytes() == b"y" * 5000


def test_server_error_is_tried_again_and_a_missing_file_is_not(mirror, tmp_path):
    mirror.files["/x"], mirror.statuses = b"picture", [500, 503]
    fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=2, timeout=5, pause=0.01)
    assert len(mirror.ranges) == 3
    with pytest.raises(FetchError, match="404"):
        fetch(f"{mirror.url}/none", tmp_path / "none.part", retries=2, timeout=5, pause=0.01)
    assert len(mirror.ranges) == 4


def test_gives_up_after_the_retries(mirror, tmp_path):
    mirror.statuses = [500] * 9
    with pytest.raises(FetchError, match=r"500.*, 3 times"):
        fetch(f"{mirror.url}/x", tmp_path / "x.part", retries=2, timeout=5, pause=0.01)


def test_silent_server_times_out_and_keeps_what_came(mirror, tmp_path):
    mirror.files[MINI] = archive = zipped(PICTURES)
    mirror.stall.set()
    with pytest.raises(InputError, match=r"silent for 0.3 seconds(.|\n)*kept in"):
        download("cyclegan_dataset", "mini", out=tmp_path, retries=0, timeout=0.3)
    kept = (tmp_path / "mini.zip.part").read_bytes()
    assert len(kept) > len(archive) // 2 - CHUNK
    assert archive.startswith(kept)


def test_no_server_and_no_safe_connection_are_told_apart(mirror, tmp_path):
    with pytest.raises(FetchError, match="no safe connection"):
        fetch(mirror.url.replace("http", "https"), tmp_path / "x", retries=0, timeout=5)
    with pytest.raises(FetchError, match="no connection"):
        fetch("http://127.0.0.1:1/x", tmp_path / "x", retries=0, timeout=5)


def test_follows_a_redirect_but_not_to_another_protocol(mirror, tmp_path):
    mirror.files["/x"] = b"picture"
    fetch(f"{mirror.url}/moved/{mirror.url}/x", tmp_path / "x", retries=0, timeout=5)
    assert (tmp_path / "x").read_bytes() == b"picture"
    with pytest.raises(FetchError, match="sends us on to ftp://"):
        fetch(f"{mirror.url}/moved/ftp://127.0.0.1/x", tmp_path / "y", retries=0, timeout=5)


def test_file_larger_than_the_disk_is_refused_at_once(mirror, tmp_path):
    class Huge(bytes):
        claims = 10**18

    mirror.files[MINI] = Huge(b"PK")
    with pytest.raises(InputError, match=r"no room(.|\n)*--out"):
        download("cyclegan_dataset", "mini", out=tmp_path)
    assert not tree(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks of this kind")
def test_second_download_of_the_same_is_refused_and_harms_nothing(mirror, tmp_path):
    import fcntl

    with open(tmp_path / "mini.zip.part", "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            download("cyclegan_dataset", "mini", out=tmp_path)
        assert (tmp_path / "mini.zip.part").exists()


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1", "file:///tmp", "mirror", "http://[", "http://é"]
)
def test_base_url_must_be_a_web_address(address, tmp_path):
    with pytest.raises(InputError, match="base URL"):
        download("cyclegan_dataset", "mini", out=tmp_path, base_url=address)


def test_checksum_is_compared(mirror, tmp_path):
    mirror.files[MINI] = archive = zipped(PICTURES)
    with pytest.raises(InputError, match="sha256"):
        download("cyclegan_dataset", "mini", out=tmp_path, sha256="0" * 64)
    assert not tree(tmp_path)
    digest = hashlib.sha256(archive).hexdigest().upper()
    assert download("cyclegan_dataset", "mini", out=tmp_path, sha256=digest) == tmp_path / "mini"
