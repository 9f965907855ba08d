"""The README of an export: it says what the generator is, its code works, and it tells nothing of the machine."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.export import exported
from helpers.translator import pixels, results_of
from PIL import Image


def code_of(card: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", card, re.S)
    return code


@pytest.mark.parametrize("kind", ["onnx", "torchscript", "exported", "safetensors"])
@pytest.mark.filterwarnings("ignore:.*torch.jit.load.* is deprecated")
def test_the_code_of_the_card_gives_the_picture_of_test_py(
    kind, checkpoints, paired, tmp_path, monkeypatch
) -> None:
    pictures = results_of(checkpoints, tmp_path, paired, "plain", "pix2pix")
    exported(checkpoints, tmp_path / "out", "plain", "--format", kind)
    monkeypatch.chdir(tmp_path / "out")
    Image.fromarray(pixels(paired / "test/001.png")[:, 32:]).save("input.png")
    exec(code_of(Path("README.md").read_text()), {})
    made = pixels(Path("output.png")).astype(int)
    assert np.abs(made - pixels(pictures / "001_fake_B.png")).max() <= 1


def test_the_card_tells_options_files_scores_and_licence(checkpoints, tmp_path) -> None:
    exported(checkpoints, tmp_path, "plain", "--format", "torchscript")
    exported(checkpoints, tmp_path, "plain", "--format", "safetensors", "--licence", "CC BY 4.0")
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("---\ntags:\n- image-to-image\n")
    assert 'license: other\nlicense_name: "CC BY 4.0"' in card
    assert "# plain: BtoA" in card
    assert "| lambda_L1 | 100.0 |" in card
    assert "[generator.torchscript.pt]" in card
    assert "[generator.safetensors]" in card
    assert "Norm: batch, statistics of each image" in card
    assert re.search(r"On 3 test images, against the truth: mean error.* \d", card)
    with Image.open(tmp_path / "samples.png") as samples:
        assert samples.size == (3 * 32 + 2 * 4, 3 * 32 + 2 * 4)  # input, output, truth; three rows


def test_scores_of_validations_are_on_the_card(checkpoints, tmp_path) -> None:
    exported(checkpoints, tmp_path, "cycle", "--format", "safetensors")
    card = (tmp_path / "README.md").read_text()
    assert re.search(r"\| val_\w+ \| [\d.]+ \| [\d.]+ \|", card)
    assert "No truths of the test images are known." in card


def test_files_of_other_weights_are_not_listed(checkpoints, tmp_path) -> None:
    exported(checkpoints, tmp_path, "plain", "--format", "torchscript")
    exported(checkpoints, tmp_path, "noisy", "--format", "safetensors")
    card = (tmp_path / "README.md").read_text()
    assert "generator.torchscript.pt" not in card
    assert "[generator.safetensors]" in card


def test_nothing_tells_where_it_was_made(checkpoints, paired, tmp_path) -> None:
    exported(checkpoints, tmp_path, "plain", "--format", "safetensors")
    told = (tmp_path / "README.md").read_text()
    told += (tmp_path / "generator.safetensors.certificate.json").read_text()
    for folder in (tmp_path, paired, checkpoints):
        assert str(folder.parent) not in told
    assert f"Trained on `{paired.name}`" in told
