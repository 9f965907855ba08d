"""--help and mistakes are answered without PyTorch, whose import takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def answer(
    tmp_path: Path, command: str, *, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs a command where PyTorch cannot be imported."""
    for heavy in ("torch", "torchvision", "numpy"):
        (tmp_path / f"{heavy}.py").write_text("raise SystemExit('imported')\n")
    return subprocess.run(
        [sys.executable, *command.split()],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("script", ["train.py", "test.py"])
@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan", "colorization", "test"])
def test_help_needs_no_pytorch(script: str, model: str, tmp_path: Path) -> None:
    done = answer(tmp_path, f"{script} --model {model} --help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--dataroot" in done.stdout


@pytest.mark.parametrize("script", ["train.py", "test.py"])
@pytest.mark.parametrize(
    "mistake",
    ["--dataroot D --no_such_flag", "--dataroot D --batch_size x", "--dataroot D --model nonsense"],
)
def test_a_mistake_needs_no_pytorch(script: str, mistake: str, tmp_path: Path) -> None:
    done = answer(tmp_path, f"{script} {mistake}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{script}: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "script",
    [
        "scripts/check_dataset.py",
        "scripts/make_shards.py",
        "scripts/dev/benchmark.py",
        "datasets/combine_A_and_B.py",
        "datasets/make_dataset_aligned.py",
        "datasets/prepare_cityscapes_dataset.py",
    ],
)
def test_scripts_for_data_sets_answer_without_pytorch(script: str, tmp_path: Path) -> None:
    helped = answer(tmp_path, f"{script} --help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--help" in helped.stdout
    mistaken = answer(tmp_path, f"{script} --no_such_flag")
    assert mistaken.returncode == 2
    assert "error: " in mistaken.stderr
