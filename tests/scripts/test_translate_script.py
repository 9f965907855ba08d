"""scripts/translate.py on files and folders."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import picture, write_images
from helpers.runs import ROOT
from helpers.runs import run as train_run
from helpers.translate_script import names, run
from helpers.translator import pixels
from helpers.video import frames_of, write_video
from PIL import Image

sys.path.insert(0, str(ROOT))

from models import load_translator
from scripts import translate
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


def kind(path: Path) -> str | None:
    with Image.open(path) as file:
        return file.format


def test_a_folder_is_mirrored(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in/deep/er", 2, 33, 46)
    write_images(tmp_path / "in", 1, 20, 30, start=7)
    Image.fromarray(picture(8, 20, 31)).save(tmp_path / "in/008.jpg")
    assert run(checkpoints, tmp_path / "in", tmp_path / "out") == 0
    assert names(tmp_path / "out") == {"deep/er/000.png", "deep/er/001.png", "007.png", "008.png"}
    t = load_translator(checkpoints / "cycle", device="cpu")
    for name in ("deep/er/001.png", "007.png"):
        expected = t(pixels(tmp_path / "in" / name)).astype(int)
        assert np.abs(pixels(tmp_path / "out" / name) - expected).max() <= 1


def test_the_direction_and_the_statistics_of_batch_norm_can_be_chosen(
    checkpoints, tmp_path
) -> None:
    write_images(tmp_path / "in", 1)
    image = tmp_path / "in/000.png"
    for name, flags, wanted in (
        ("cycle", ["--direction", "BtoA"], {"direction": "BtoA"}),
        ("cycle", ["--use_ema", "--epoch", "1"], {"use_ema": True, "epoch": 1}),
        ("noisy", ["--running_statistics"], {"running_statistics": True}),
        ("noisy", [], {}),
    ):
        assert run(checkpoints, image, tmp_path / "out.png", *flags, "--overwrite", name=name) == 0
        t = load_translator(checkpoints / name, device="cpu", **wanted)
        assert np.array_equal(pixels(tmp_path / "out.png"), t(pixels(image)))


def test_a_weights_file_is_enough(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in", 1)
    weights = ["--weights", str(checkpoints / "cycle/latest_net_G_B.pth"), "--gpu_ids", "-1"]
    assert translate.main([str(tmp_path / "in"), str(tmp_path / "out"), *weights]) == 0
    t = load_translator(checkpoints / "cycle", direction="BtoA", device="cpu")
    expected = t(pixels(tmp_path / "in/000.png"))
    assert np.array_equal(pixels(tmp_path / "out/000.png"), expected)


def test_what_is_there_is_left_alone_unless_asked(checkpoints, tmp_path, capsys) -> None:
    write_images(tmp_path / "in", 3)
    write_images(tmp_path / "out", 1, 5, 5)
    (tmp_path / "out/.001.png.999999999.tmp").write_bytes(b"cut off")
    before = (tmp_path / "out/000.png").read_bytes()
    assert run(checkpoints, tmp_path / "in", tmp_path / "out") == 0
    assert "already translated: 1 of " in capsys.readouterr().out
    assert (tmp_path / "out/000.png").read_bytes() == before
    assert names(tmp_path / "out") == {"000.png", "001.png", "002.png"}
    assert run(checkpoints, tmp_path / "in", tmp_path / "out", "--overwrite") == 0
    assert pixels(tmp_path / "out/000.png").shape == (32, 32, 3)


def test_files_of_one_name_do_not_overwrite_each_other(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in", 1)
    Image.fromarray(picture(5, 20, 30)).save(tmp_path / "in/000.jpg")
    assert run(checkpoints, tmp_path / "in", tmp_path / "out") == 0
    assert pixels(tmp_path / "out/000_png.png").shape == (32, 32, 3)
    assert pixels(tmp_path / "out/000_jpg.png").shape == (20, 30, 3)
    same = tmp_path / "same"
    assert run(checkpoints, tmp_path / "in", same, "--format", "same") == 0
    assert {kind(same / name) for name in names(same)} == {"PNG", "JPEG"}


def test_a_file_goes_to_a_file_or_into_a_folder(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in", 1)
    image = tmp_path / "in/000.png"
    assert run(checkpoints, image, tmp_path / "new/name.tif") == 0
    assert kind(tmp_path / "new/name.tif") == "TIFF"
    assert run(checkpoints, image, tmp_path / "new", "--format", "jpg") == 0
    assert kind(tmp_path / "new/000.jpg") == "JPEG"


def test_images_that_cannot_be_read_are_listed_and_the_others_done(
    checkpoints, tmp_path, capsys
) -> None:
    write_images(tmp_path / "in", 3)
    (tmp_path / "in/001.png").write_bytes(b"no image")
    assert run(checkpoints, tmp_path / "in", tmp_path / "out") == 1
    assert names(tmp_path / "out") == {"000.png", "002.png"}
    told = capsys.readouterr()
    assert "2 images translated" in told.out
    assert "1 image could not be translated" in told.err
    assert "001.png: cannot be read as an image" in told.err


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("nowhere", "out", "there is no file or folder"),
        ("in", "in", "would be translated again and again"),
        ("in", "in/out", "would be translated again and again"),
        ("in", "in/000.png", "a file: give a folder"),
        ("in/000.png", "in", "is the input itself"),
        ("in/000.png", "out", "is not a folder and does not end in .bmp"),
        ("empty", "out", "holds no images"),
    ],
)
def test_unclear_places_are_refused(checkpoints, tmp_path, source, target, message) -> None:
    write_images(tmp_path / "in", 1)
    (tmp_path / "empty").mkdir()
    before = (tmp_path / "in/000.png").read_bytes()
    with pytest.raises(InputError, match=message):
        run(checkpoints, tmp_path / source, tmp_path / target)
    assert (tmp_path / "in/000.png").read_bytes() == before


def test_a_run_that_is_not_there_is_told_of(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in", 1)
    with pytest.raises(InputError, match="no folder .*nowhere: check --name and --checkpoints_dir"):
        run(checkpoints, tmp_path / "in", tmp_path / "out", name="nowhere")
    assert not (tmp_path / "out").exists()
    near = next(checkpoints.iterdir()).name
    with pytest.raises(InputError, match=f"no folder .*{near}x .did you mean {near}.."):
        run(checkpoints, tmp_path / "in", tmp_path / "out", name=f"{near}x")


def test_neither_or_both_of_name_and_weights_are_refused(tmp_path, capsys) -> None:
    for flags in ([], ["--name", "a", "--weights", "b.pth"]):
        with pytest.raises(SystemExit) as error:
            translate.main([str(tmp_path), str(tmp_path / "out"), *flags])
        assert error.value.code == 2
        message = capsys.readouterr().err
        assert "--name" in message
        assert "--weights" in message


def test_as_a_command_it_can_be_interrupted_and_goes_on(checkpoints, tmp_path) -> None:
    write_images(tmp_path / "in", 150, 64, 64)
    out = tmp_path / "out"
    words = ["--name", "cycle", "--checkpoints_dir", str(checkpoints), "--gpu_ids", "-1"]
    line = [sys.executable, str(ROOT / "scripts/translate.py"), str(tmp_path / "in"), str(out)]
    process = subprocess.Popen([*line, *words], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not (out.is_dir() and names(out)) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    done = {name: os.stat(out / name).st_mtime_ns for name in names(out)}
    assert 0 < len(done) < 150
    for name in done:
        assert pixels(out / name).shape == (64, 64, 3)
    assert run(checkpoints, tmp_path / "in", out) == 0
    assert len(names(out)) == 150
    assert all(os.stat(out / name).st_mtime_ns == then for name, then in done.items())


def test_commands_and_code_of_the_documents_run(checkpoints, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("maps_cyclegan", "mine", "trial"):
        shutil.copytree(checkpoints / "cycle", tmp_path / "checkpoints" / name)
    Image.fromarray(picture(1, 30, 40)).save("slide.tif")
    (tmp_path / "downloads").mkdir()
    shutil.copy(checkpoints / "cycle/latest_net_G_A.pth", tmp_path / "downloads/horse2zebra.pth")
    Image.fromarray(picture(0, 20, 30)).save("input.jpg")
    write_images(tmp_path / "photos", 2)
    write_video(tmp_path / "clip.mp4", frames_of(2))
    scope = {"paths": [Path("input.jpg")]}
    (tmp_path / "translated").mkdir()
    commands = 0
    for page in ("README.md", "docs/translate.md", "docs/qa.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for code in re.findall(r"```python\n(?!# )(.*?)```", text, re.S):
            exec(code, scope)
        for line in re.findall(r"^python scripts/translate\.py (?!INPUT)(.*)", text, re.M):
            assert translate.main([*shlex.split(line), "--gpu_ids", "-1", "--overwrite"]) == 0
            commands += 1
    assert scope["fake"].size == (30, 20)
    assert commands == 5
    assert {"input.png", "000.png", "001.png"} <= {
        file.name for file in Path("translated").iterdir()
    }


def test_a_colorization_run_is_named_as_such(tmp_path) -> None:
    write_images(tmp_path / "data/train", 2)
    train_run(tmp_path / "data", tmp_path, "n", "--ngf", "2", "--ndf", "2", model="colorization")
    command = ["--name", "n", "--checkpoints_dir", str(tmp_path), "--gpu_ids", "-1"]
    with pytest.raises(InputError, match=r"this is a colorization run: .* Use test\.py"):
        translate.main([str(tmp_path / "data/train"), str(tmp_path / "out"), *command])
