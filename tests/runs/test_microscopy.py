"""The commands of docs/science.md for microscopy, from counts of 16 bits to scores in counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import science


def field(path: Path, height: int, width: int, seed: int) -> None:
    """Writes counts from 200 to 9000, smooth like cells; the truth is darker where the input is bright."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 9
    waves = np.sin(x + seed) * np.cos(y * 0.7) + rng.normal(0, 0.1, (height, width))
    share = ((waves - waves.min()) / np.ptp(waves)).astype(np.float32)
    for side, values in (("A", share), ("B", 1 - share)):
        file = Path(str(path).replace("SIDE", side))
        file.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(file, (200 + 8800 * values).round().astype(np.uint16))


def numpy_mae(fakes: list[Path], truths: list[Path]) -> float:
    both = [
        [tifffile.imread(file).astype(float) for file in pair]
        for pair in zip(fakes, truths, strict=True)
    ]
    return float(np.mean([np.abs(fake - truth).mean() for fake, truth in both]))


def printed_mae(text: str, row: str) -> float:
    """The first number of the row of a table that evaluate.py prints."""
    return float(next(line.split()[1] for line in text.splitlines() if line.split()[:1] == [row]))


def test_counts_stay_counts_from_the_files_to_the_scores(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("torchmetrics", reason="SSIM")
    monkeypatch.chdir(tmp_path)
    for phase in ("train", "val", "test"):
        for number in range(3):
            field(Path(f"cells/{phase}SIDE/{number:03}.tif"), 44, 40, number)
    field(Path("fields/fSIDE.tif"), 2000, 3000, 9)  # then moved to where the page has them
    Path("fields_truth").mkdir()
    Path("fields/fB.tif").rename("fields_truth/f.tif")
    Path("fields/fA.tif").rename("fields/f.tif")
    check, train, test, translate, evaluate, evaluate_fields = science.commands("Microscopy")

    science.run(check)
    text = capsys.readouterr().out
    assert "trainB, B: 1 channel of uint16, values 200 to 9000 (" in text
    flags = "--input_nc 1 --range_A=0,9000 --output_nc 1 --range_B=0,9000"
    assert f"flags that fit these files: {flags}\n" in text

    # The norm's statistics are those of training, so that tiles need one pass over the image.
    science.run(train, "--norm batch --batch_size 2 --no_dropout")
    saved = json.loads(Path("checkpoints/fluo/options.json").read_text(encoding="utf-8"))["flags"]
    assert (saved["range_A"], saved["range_B"]) == ("0,9000", "0,9000")
    assert Path("checkpoints/fluo/best_mae_net_G.pth").exists()

    science.run(test)
    science.run(translate, "--norm_policy running")
    made = tifffile.imread("fields_fluo/f.tif")
    assert (made.shape, made.dtype) == ((2000, 3000), np.uint16)

    capsys.readouterr()
    science.run(evaluate)
    values = Path("results/fluo/test_best_mae/values")
    expected = numpy_mae(sorted(values.glob("*_fake_B.tif")), sorted(values.glob("*_real_B.tif")))
    assert printed_mae(capsys.readouterr().out, "fluo") == pytest.approx(expected, abs=1e-6)
    science.run(evaluate_fields)
    expected = numpy_mae([Path("fields_fluo/f.tif")], [Path("fields_truth/f.tif")])
    assert printed_mae(capsys.readouterr().out, "fields_fluo") == pytest.approx(expected, abs=1e-6)


def test_validation_measures_what_evaluate_measures_afterwards(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for phase in ("train", "val"):
        for number in range(2):
            field(Path(f"cells/{phase}SIDE/{number:03}.tif"), 44, 40, number)
    _, train, test, *_ = science.commands("Microscopy")
    science.run(train, "--no_dropout --val_metrics mae,pearson")
    lines = Path("checkpoints/fluo/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    (measured,) = [json.loads(line) for line in lines if "val_mae" in line]
    science.run(test, "--phase val")
    values = Path("results/fluo/val_best_mae/values")
    expected = numpy_mae(sorted(values.glob("*_fake_B.tif")), sorted(values.glob("*_real_B.tif")))
    assert measured["values"]["val_mae"] == pytest.approx(expected, abs=1e-6)
