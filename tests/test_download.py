"""The download commands against a real server on this machine that can misbehave."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from util.download import KINDS, FetchError, download, fetch, main
from util.errors import InputError
from util.get_data import GetData
from util.unpack import ArchiveError, check_weights, unpack

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    f"mini/train{side}/{i}.jpg": random.Random(i).randbytes(40_000)
    for side in "AB"
    for i in range(2)
}
MINI = "/cyclegan/datasets/mini.zip"


class Mirror(ThreadingHTTPServer):
    """Serves `files`; the other fields make it misbehave."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = {}
        self.etag = '"first"'
        self.has_ranges = True
        self.minds_if_range = True
        self.cuts = []  # bytes after which the next answers break off
        self.statuses = []  # of the next answers, instead of the file
        self.stall = threading.Event()  # set: sends half, then nothing
        self.go_on = threading.Event()
        self.ranges, self.served = [], 0  # what was asked for, and the bytes of all answers


class Answer(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        mirror = self.server
        mirror.ranges.append(self.headers.get("Range"))
        if mirror.statuses:
            self.send_error(mirror.statuses.pop(0))
        elif self.path.startswith("/moved/"):
            self.head(302, Location=self.path.removeprefix("/moved/"))
        elif self.path not in mirror.files:
            self.send_error(404)
        else:
            self.send_file(mirror, mirror.files[self.path])

    def send_file(self, mirror, content):
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range") == mirror.etag or not mirror.minds_if_range
        start = int(asked[6:-1]) if asked and mirror.has_ranges and same else 0
        if start >= len(content) > 0:
            self.head(416, Content_Range=f"bytes */{len(content)}", ETag=mirror.etag)
            return
        last = len(content) - 1
        where = {"Content_Range": f"bytes {start}-{last}/{last + 1}"} if start else {}
        length = getattr(content, "claims", last + 1 - start)
        self.head(206 if start else 200, Content_Length=str(length), ETag=mirror.etag, **where)
        body = content[start:]
        if mirror.cuts:
            body = body[: mirror.cuts.pop(0)]
        if mirror.stall.is_set():
            body = body[: len(body) // 2]
        mirror.served += len(body)
        self.wfile.write(body)
        if mirror.stall.is_set():
            self.wfile.flush()
            mirror.go_on.wait(20)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mirror = Mirror()
    monkeypatch.setenv("IMG2IMG_DOWNLOAD_URL", mirror.url)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield mirror
    mirror.go_on.set()
    mirror.shutdown()
    thread.join()
    mirror.server_close()


def zipped(files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(files, *odd: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info in odd:
            archive.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue(), 1)


def odd(name: str, kind: bytes, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def command(*words, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


# ------------------------------------------------------------------ the four commands


@pytest.mark.parametrize("kind", ["cyclegan_dataset", "pix2pix_dataset"])
def test_dataset_command_leaves_the_unpacked_folder_and_nothing_else(kind, mirror, tmp_path):
    pictures = {name.replace("mini", "facades"): content for name, content in PICTURES.items()}
    mirror.files["/cyclegan/datasets/facades.zip"] = zipped(pictures)
    mirror.files["/pix2pix/datasets/facades.tar.gz"] = tarred(pictures)
    run = command(
        "bash", f"datasets/download_{kind}.sh", "facades", "--out", tmp_path, PYTHON=sys.executable
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert tree(tmp_path) == pictures


@pytest.mark.parametrize(
    ("kind", "path"),
    [("cyclegan_model", "cyclegan/pretrained_models"), ("pix2pix_model", "pix2pix/models-pytorch")],
)
def test_model_command_works_before_anything_is_installed(kind, path, mirror, tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    weights = io.BytesIO()
    torch.save({"model.1.weight": torch.ones(2)}, weights)
    mirror.files[f"/{path}/sat2map.pth"] = weights.getvalue()
    out = tmp_path / "checkpoints"
    run = command("bash", f"scripts/download_{kind}.sh", "sat2map", "--out", out, PYTHON=str(bare))
    assert (run.returncode, run.stderr) == (0, "")
    assert tree(out) == {"sat2map_pretrained/latest_net_G.pth": weights.getvalue()}
    assert hashlib.sha256(weights.getvalue()).hexdigest() in run.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_name_exits_with_2_and_lists_the_names(kind, capsys):
    assert main([kind, "horses"]) == 2
    assert all(name in capsys.readouterr().err for name in KINDS[kind].names[:1])


def test_without_a_name_the_names_are_listed(capsys):
    assert main(["pix2pix_dataset"]) == 2
    assert "night2day, edges2handbags, edges2shoes, facades, maps" in capsys.readouterr().err


def test_missing_file_exits_with_1_and_says_what_to_do_without_a_traceback(mirror, tmp_path):
    run = command(
        "bash", "scripts/download_pix2pix_model.sh", "day2night", "--out", tmp_path / "checkpoints"
    )
    assert run.returncode == 1
    for part in ("404", "day2night.pth", "--base_url", "--file", "IMG2IMG_DOWNLOAD_URL"):
        assert part in run.stderr
    assert "Traceback" not in run.stderr
    assert not tree(tmp_path)
    assert not (tmp_path / "checkpoints" / "day2night_pretrained").exists()


def test_cityscapes_is_refused_for_its_licence():
    run = command("bash", "datasets/download_pix2pix_dataset.sh", "cityscapes")
    assert run.returncode == 1
    assert "https://www.cityscapes-dataset.com" in run.stderr


def test_command_works_from_another_folder_and_by_a_path_with_spaces(mirror, tmp_path):
    repository = tmp_path / "my images"
    repository.mkdir()
    (repository / "datasets").mkdir()
    (repository / "util").symlink_to(ROOT / "util")
    script = repository / "datasets" / "download_cyclegan_dataset.sh"
    script.write_bytes((ROOT / "datasets" / "download_cyclegan_dataset.sh").read_bytes())
    run = command("bash", script, "horses", PYTHON=sys.executable)
    assert run.returncode == 2, run.stderr


def test_what_is_there_is_left_alone_unless_forced(mirror, tmp_path, capsys):
    mirror.files[MINI] = zipped(PICTURES)
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "own.jpg").write_bytes(b"mine")
    assert main(["cyclegan_dataset", "mini", "--out", str(tmp_path)]) == 0
    assert "already there" in capsys.readouterr().out
    assert tree(tmp_path) == {"mini/own.jpg": b"mine"}
    assert not mirror.ranges
    assert main(["cyclegan_dataset", "mini", "--out", str(tmp_path), "--force"]) == 0
    assert tree(tmp_path) == PICTURES


def test_an_empty_folder_of_an_earlier_failure_is_filled(mirror, tmp_path):
    mirror.files[MINI] = zipped(PICTURES)
    (tmp_path / "mini").mkdir()
    download("cyclegan_dataset", "mini", out=tmp_path)
    assert tree(tmp_path) == PICTURES


def test_interrupt_keeps_the_part_and_the_next_run_goes_on_from_it(mirror, tmp_path):
    mirror.files[MINI] = archive = zipped(PICTURES)
    mirror.stall.set()
    words = [sys.executable, "util/download.py", "cyclegan_dataset", "mini", "--out", str(tmp_path)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child inherits "ignored"
    try:
        child = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    part = tmp_path / "mini.zip.part"
    limit = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size) and time.monotonic() < limit:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "interrupted" in said
    assert str(part) in said
    assert "Traceback" not in said
    mirror.stall.clear()
    have = part.stat().st_size
    assert 0 < have <= len(archive) // 2
    download("cyclegan_dataset", "mini", out=tmp_path)
    assert mirror.ranges[-1] == f"bytes={have}-"
    assert tree(tmp_path) == PICTURES


# ------------------------------------------------------------------ over a bad connection


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
    assert (tmp_path / "mini.zip.part").read_bytes() == archive[: len(archive) // 2]


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


# ------------------------------------------------------------------ what arrived


def test_checksum_is_compared(mirror, tmp_path):
    mirror.files[MINI] = archive = zipped(PICTURES)
    with pytest.raises(InputError, match="sha256"):
        download("cyclegan_dataset", "mini", out=tmp_path, sha256="0" * 64)
    assert not tree(tmp_path)
    digest = hashlib.sha256(archive).hexdigest().upper()
    assert download("cyclegan_dataset", "mini", out=tmp_path, sha256=digest) == tmp_path / "mini"


def test_damaged_archive_is_removed_so_that_the_next_run_starts_over(mirror, tmp_path):
    archive = bytearray(zipped(PICTURES))
    archive[len(archive) // 2] ^= 1
    mirror.files[MINI] = bytes(archive)
    with pytest.raises(InputError, match="damaged"):
        download("cyclegan_dataset", "mini", out=tmp_path)
    assert not tree(tmp_path)


def test_error_page_instead_of_an_archive_is_named(mirror, tmp_path):
    mirror.files[MINI] = b"<!DOCTYPE html><title>Moved</title>"
    with pytest.raises(InputError, match=r"not a .zip.*DOCTYPE"):
        download("cyclegan_dataset", "mini", out=tmp_path)


def test_local_file_is_used_and_kept(tmp_path, capsys):
    archive = tmp_path / "by_hand.zip"
    archive.write_bytes(zipped(PICTURES))
    out = tmp_path / "datasets"
    assert main(["cyclegan_dataset", "mini", "--out", str(out), "--file", str(archive)]) == 0
    assert tree(out) == PICTURES
    assert archive.exists()


def test_local_file_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match=r"--file .*none.zip is not a file"):
        download("cyclegan_dataset", "mini", out=tmp_path, file=tmp_path / "none.zip")


@pytest.mark.parametrize("legacy", [True, False])
def test_state_dict_passes_the_check(legacy, tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "x", _use_new_zipfile_serialization=not legacy)
    assert check_weights(tmp_path / "x")


def test_pth_that_would_run_code_is_refused_and_not_run(mirror, tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    for legacy in (True, False):
        file = io.BytesIO()
        torch.save({"w": Evil()}, file, _use_new_zipfile_serialization=not legacy)
        mirror.files["/pix2pix/models-pytorch/map2sat.pth"] = file.getvalue()
        with pytest.raises(InputError, match="plain weights"):
            download("pix2pix_model", "map2sat", out=tmp_path / "checkpoints")
    assert not ran.exists()
    assert not tree(tmp_path)


@pytest.mark.parametrize(
    "content", [{}, [torch.ones(1)], {"w": 1.0}, {"net": {"w": torch.ones(1)}}]
)
def test_pth_that_is_no_dict_of_tensors_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "x")
    with pytest.raises(ArchiveError, match="tensor"):
        check_weights(tmp_path / "x")


@pytest.mark.parametrize("legacy", [True, False])
def test_truncated_pth_is_refused(legacy, tmp_path):
    torch.save({"w": torch.ones(999)}, tmp_path / "x", _use_new_zipfile_serialization=not legacy)
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-500])
    with pytest.raises(ArchiveError):
        check_weights(tmp_path / "x")


def test_compressed_or_altered_pth_is_refused(tmp_path):
    torch.save({"w": torch.ones(999)}, tmp_path / "x")
    altered = bytearray((tmp_path / "x").read_bytes())
    altered[altered.index(torch.ones(9).numpy().tobytes())] ^= 1
    with zipfile.ZipFile(tmp_path / "x") as archive:
        compressed = zipped({name: archive.read(name) for name in archive.namelist()})
    for content in (bytes(altered), compressed):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(ArchiveError, match="x is damaged"):
            check_weights(tmp_path / "x")


# ------------------------------------------------------------------ hostile archives

SAFE = {"mini/a.jpg": b"picture"}
OUTSIDE = os.path.join(tempfile.gettempdir(), f"written-by-an-archive-{os.getpid()}")


def zipped_link(target: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("mini/link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, target)
        archive.writestr("mini/link/x", b"out")
    return file.getvalue()


def claimed(kind: bytes, size: int) -> bytes:
    """A tar.gz of one header that promises size bytes, and none of them."""
    return gzip.compress(odd("mini/zeros", kind, size=size).tobuf() + bytes(4096))


HOSTILE = {
    "tar parent": lambda: tarred({**SAFE, "mini/../../out": b""}),
    "tar absolute": lambda: tarred({**SAFE, OUTSIDE: b""}),
    "tar windows drive": lambda: tarred({**SAFE, "C:out": b""}),
    "tar backslash": lambda: tarred({**SAFE, "mini\\..\\..\\out": b""}),
    "tar link out, then through it": lambda: tarred(
        {"mini/link/out": b"x"}, odd("mini/link", tarfile.SYMTYPE, "../..")
    ),
    "tar absolute link": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, "/etc/passwd")),
    "tar hard link out": lambda: tarred(SAFE, odd("mini/link", tarfile.LNKTYPE, "../secret")),
    "tar link to a folder": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, ".")),
    "tar link to nothing": lambda: tarred(SAFE, odd("mini/link", tarfile.SYMTYPE, "none")),
    "tar device": lambda: tarred(SAFE, odd("mini/null", tarfile.CHRTYPE)),
    "tar pipe": lambda: tarred(SAFE, odd("mini/pipe", tarfile.FIFOTYPE)),
    "tar same name twice": lambda: tarred(SAFE, odd("mini/a.jpg", tarfile.REGTYPE)),
    "tar of a terabyte": lambda: claimed(tarfile.REGTYPE, 1 << 40),
    "tar cut inside gzip": lambda: tarred(PICTURES)[:-5000],
    "tar cut before gzip": lambda: gzip.compress(gzip.decompress(tarred(PICTURES))[:100_000]),
    "tar without its end": lambda: gzip.compress(gzip.decompress(tarred(SAFE))[:1024]),
    "tar damaged header": lambda: gzip.compress(
        gzip.decompress(tarred({"mini/a": b"a" * 512, "mini/b": b"b" * 512})).replace(
            b"mini/b", b"mini/c"
        )
    ),
    "tar wrong checksum": lambda: tarred(PICTURES)[:-8] + bytes(8),
    "tar without files": lambda: tarred({}),
    "zip parent": lambda: zipped({**SAFE, "mini/../../out": b""}),
    "zip absolute": lambda: zipped({**SAFE, OUTSIDE: b""}),
    "zip link out, then through it": lambda: zipped_link("../.."),
    "zip bomb": lambda: zipped({**SAFE, "mini/zeros": bytes(2 << 20)}),
    "zip cut": lambda: zipped(PICTURES)[:-200],
    "zip without files": lambda: zipped({}),
    "empty": lambda: b"",
}


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


# ------------------------------------------------------------------ from Python


def test_get_data_returns_the_path_and_takes_a_name_with_its_ending(mirror, tmp_path, capsys):
    mirror.files["/pix2pix/datasets/maps.tar.gz"] = tarred({"maps/train/1.jpg": b"1"})
    get_data = GetData(technique="pix2pix", verbose=False)
    assert get_data.get(str(tmp_path), dataset="maps.tar.gz") == str(tmp_path / "maps")
    assert get_data.get(str(tmp_path), dataset="maps") == str(tmp_path / "maps")
    assert tree(tmp_path) == {"maps/train/1.jpg": b"1"}
    assert capsys.readouterr().out == ""


def test_get_data_asks_for_the_set(mirror, tmp_path, monkeypatch, capsys):
    mirror.files[MINI] = zipped(PICTURES)
    number = KINDS["cyclegan_dataset"].names.index("mini")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{number}\n"))
    assert GetData().get(save_path=tmp_path) == str(tmp_path / "mini")
    assert f"{number}: mini\n" in capsys.readouterr().out


def test_get_data_refuses_an_unknown_technique_or_number(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="neither"):
        GetData("stargan")
    monkeypatch.setattr("sys.stdin", io.StringIO("99\n"))
    with pytest.raises(InputError, match="0 to 4"):
        GetData("pix2pix").get(tmp_path)
