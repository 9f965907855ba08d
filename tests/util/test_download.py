"""The download commands against a real server on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.archives import PICTURES, tarred, zipped
from helpers.download import MINI, tree

from util.download.download import download, main
from util.download.published import KINDS
from util.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("kind", ["cyclegan_dataset", "cut_dataset", "pix2pix_dataset"])
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
def test_model_command_leaves_the_weights_and_nothing_else(kind, path, mirror, tmp_path):
    weights = io.BytesIO()
    torch.save({"model.1.weight": torch.ones(2)}, weights)
    mirror.files[f"/{path}/sat2map.pth"] = weights.getvalue()
    out = tmp_path / "checkpoints"
    run = command(
        "bash", f"scripts/download_{kind}.sh", "sat2map", "--out", out, PYTHON=sys.executable
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert tree(out) == {"sat2map_pretrained/latest_net_G.pth": weights.getvalue()}
    assert hashlib.sha256(weights.getvalue()).hexdigest() in run.stdout


def test_a_command_before_the_packages_are_installed_says_what_to_install(tmp_path):
    run = command(sys.executable, "-S", "util/download", "cyclegan_dataset", "mini")
    assert run.returncode == 1
    assert run.stderr.endswith("run pip install -r requirements.txt first\n")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_name_exits_with_2_and_lists_the_names(kind, capsys):
    assert main([kind, "horses"]) == 2
    assert all(name in capsys.readouterr().err for name in KINDS[kind].names[:1])


def test_without_a_name_the_names_are_listed(capsys):
    assert main(["pix2pix_dataset"]) == 2
    assert "night2day, edges2handbags, edges2shoes, facades, maps" in capsys.readouterr().err


def test_missing_file_exits_with_1_and_says_what_to_do_without_a_traceback(mirror, tmp_path):
    run = command(
        "bash",
        "scripts/download_pix2pix_model.sh",
        "day2night",
        "--out",
        tmp_path / "checkpoints",
        PYTHON=sys.executable,
    )
    assert run.returncode == 1
    for part in ("404", "day2night.pth", "--base_url", "--file", "IMG2IMG_DOWNLOAD_URL"):
        assert part in run.stderr
    assert "Traceback" not in run.stderr
    assert not tree(tmp_path)
    assert not (tmp_path / "checkpoints" / "day2night_pretrained").exists()


def test_cityscapes_is_refused_for_its_licence():
    run = command(
        "bash", "datasets/download_pix2pix_dataset.sh", "cityscapes", PYTHON=sys.executable
    )
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
    words = [
        sys.executable,
        "util/download",
        "cyclegan_dataset",
        "mini",
        "--out",
        str(tmp_path),
    ]
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
