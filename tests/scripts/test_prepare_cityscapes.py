"""datasets/prepare_cityscapes_dataset.py on files named as those of Cityscapes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import prepare_cityscapes_dataset
import pytest
from conftest import picture
from helpers.runs import ROOT
from PIL import Image

from scripts.eval_cityscapes import evaluate
from util.errors import InputError
from util.images.label_maps import CITYSCAPES, CITYSCAPES_IDS, draw_labels

pytestmark = pytest.mark.usefixtures("warm")

COUNTS = {"train": 3, "val": 2}
PHASES = {"train": "train", "val": "test"}


def labels(number: int) -> np.ndarray:
    return np.tile((np.arange(64) // 8 + number).astype(np.uint8), (32, 1))


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    """gtFine and leftImg8bit of three training frames and two for validation, in two cities, 64x32 pixels."""
    for split, count in COUNTS.items():
        for n in range(count):
            city = "aachen" if n % 2 else "zurich"
            base = f"{city}_{n:06d}_000019"
            for kind in ("gtFine", "leftImg8bit"):
                (tmp_path / kind / split / city).mkdir(parents=True, exist_ok=True)
            fine = tmp_path / "gtFine" / split / city / f"{base}_gtFine"
            Image.fromarray(draw_labels(labels(n), CITYSCAPES)).convert("RGBA").save(
                f"{fine}_color.png"
            )
            ids = np.array(CITYSCAPES_IDS, np.uint8)[labels(n)]
            Image.fromarray(ids).save(f"{fine}_labelIds.png")
            photo = tmp_path / "leftImg8bit" / split / city / f"{base}_leftImg8bit.png"
            Image.fromarray(picture(n, 32, 64)).save(photo)
    return tmp_path


def prepare(root: Path, *flags: str) -> Path:
    words = (
        f"--gtFine_dir {root}/gtFine --leftImg8bit_dir {root}/leftImg8bit --output_dir {root}/out"
    )
    assert prepare_cityscapes_dataset.main([*words.split(), *flags]) == 0
    return root / "out"


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_layout_and_names_are_those_of_the_older_code(originals) -> None:
    out = prepare(originals)
    for split, phase in PHASES.items():
        numbers = range(COUNTS[split])
        assert {p.name for p in (out / phase).iterdir()} == {f"{n}.jpg" for n in numbers}
        for side in "AB":
            found = {p.name for p in (out / f"{phase}{side}").iterdir()}
            assert found == {f"{n}_{side}.jpg" for n in numbers}
    assert opened(out / "test/0.jpg").shape == (256, 512, 3)


def test_photo_is_left_labels_are_right_and_have_no_colour_that_is_no_class(originals) -> None:
    out = prepare(originals, "--format", "png")
    pair, photo, colours = (
        opened(out / name) for name in ("train/0.png", "trainA/0_A.png", "trainB/0_B.png")
    )
    assert (pair[:, :256] == photo).all()
    assert (pair[:, 256:] == colours).all()
    first = draw_labels(labels(1), CITYSCAPES)  # aachen comes before zurich
    assert (colours[::8, ::4] == first).all()
    known = {tuple(colour) for colour in CITYSCAPES.colours.tolist()}
    assert {tuple(colour) for colour in colours.reshape(-1, 3).tolist()} <= known


def test_jpeg_of_quality_100_keeps_every_class(originals) -> None:
    out = prepare(originals)
    words = f"--cityscapes_dir {originals} --result_dir {out}/testB --output_dir {originals}/scores"
    assert evaluate.main([*words.split(), "--label_maps"]) == 0  # numbers meet their frames
    text = (originals / "scores/evaluation_results.txt").read_text()
    accuracy = float(text.splitlines()[0].split(":")[1])
    assert accuracy > 0.99


def test_a_second_run_writes_the_same_and_other_images_are_not_mixed_in(originals) -> None:
    out = prepare(originals)
    before = {path: path.read_bytes() for path in out.rglob("*.jpg")}
    prepare(originals)
    assert {path: path.read_bytes() for path in out.rglob("*.jpg")} == before
    with pytest.raises(InputError, match="holds other images"):
        prepare(originals, "--format", "png")


def test_frames_without_photo_or_labels_and_wrong_folders_are_named(originals) -> None:
    photo = originals / "leftImg8bit/val/aachen/aachen_000001_000019_leftImg8bit.png"
    photo.unlink()
    with pytest.raises(InputError, match="1 frames are in one of .*aachen_000001_000019"):
        prepare(originals)
    shutil.rmtree(originals / "leftImg8bit/val")
    with pytest.raises(InputError, match="holds no <city>/.*check --gtFine_dir"):
        prepare(originals)
    assert not (originals / "out").exists()


def test_a_damaged_file_is_one_message_of_the_command(originals) -> None:
    bad = originals / "leftImg8bit/val/aachen/aachen_000001_000019_leftImg8bit.png"
    bad.write_bytes(b"\x89PNG no")
    script = ROOT / "datasets/prepare_cityscapes_dataset.py"
    words = "--gtFine_dir gtFine --leftImg8bit_dir leftImg8bit --output_dir out"
    command = [sys.executable, str(script), *words.split()]
    done = subprocess.run(command, cwd=originals, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {bad.relative_to(originals)}: cannot be read")
    assert "Traceback" not in done.stderr
