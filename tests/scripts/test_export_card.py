"""The README of an export: it says what the generator is, its code works, and it tells nothing of the machine."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.export import exported
from helpers.format import noise
from helpers.translator import pixels, results_of
from PIL import Image

from options.types import parse_range
from scripts.lib.exporting.card import code_span, plain_text, reading_lines, saving_lines
from scripts.lib.exporting.facts import values_of_input, values_of_output
from scripts.lib.exporting.pictures import TestPicture as Picture
from scripts.lib.exporting.pictures import pictures_in
from scripts.lib.exporting.scores import scores_on
from util.images.values import Values, from_network
from util.images.write import write_values


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
    assert re.search(r"On 3 test images, against the truth: mean absolute error.* \d", card)
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


RANGES = {"labels": "auto", "grey of 16 bits": "0,9000", "bands": "100,5000", "floats": "-1.5,2.5"}
PREPROCESSING = {
    "resize_and_crop": {"load_size": 72, "crop_size": 64},
    "resized to a rectangle": {"preprocess": "resize_and_crop", "load_size": "80x160", "crop_size": "64x128"},
    "crop": {"crop_size": 64},
    "none": {},
    "scale_width": {"load_size": 80, "crop_size": 64},
    "scale_width_and_crop": {"load_size": 80, "crop_size": 64},
}  # fmt: skip


def write_input(folder: Path, kind: str) -> tuple[Path, int]:
    """An image of 60 x 100 that changes slowly, as the kind's files hold it, and its channels."""
    folder.mkdir()
    waves = np.sin(np.arange(60)[:, None] / 9) * np.cos(np.arange(100) / 14)
    if kind == "colours":
        Image.fromarray((np.dstack([waves, waves**2, -waves]) * 127 + 127).astype(np.uint8)).save(folder / "input.png")  # fmt: skip
        return folder / "input.png", 3
    if kind == "labels":
        Image.fromarray((waves * 2 + 2).astype(np.uint8)).save(folder / "input.png")
        return folder / "input.png", 4
    low, high, whole = parse_range("range_A", RANGES[kind])[:3]
    array = low + (waves[..., None] + 1) / 2 * (high - low)
    array = array.round().astype(np.uint16) if whole else array.astype(np.float32)
    if kind == "bands":
        array = array.repeat(5, 2) // np.arange(1, 6).astype(np.uint16)
    path = folder / ("input.png" if kind == "grey of 16 bits" else "input.tif")
    write_values(path, array)
    return path, array.shape[2]


@pytest.mark.parametrize("kind", ["colours", *RANGES])
@pytest.mark.parametrize("name", PREPROCESSING)
def test_the_code_of_the_card_reads_files_as_training_did(name, kind, tmp_path, monkeypatch):
    pytest.importorskip("tifffile")
    path, channels = write_input(tmp_path / "in", kind)
    flags = {"preprocess": name, **PREPROCESSING[name]}
    size = 48 if name in ("crop", "none") else 64
    bounds = parse_range("range_A", RANGES.get(kind, "auto"))
    values = Values("A", channels, bounds, labels=4 if kind == "labels" else 0)
    (picture,) = pictures_in(tmp_path / "in", channels, size, 1, values, flags)
    assert picture.image.shape == (1, channels, size, size)
    given = {"channels": channels}
    given |= {"values": [bounds.low, bounds.high]} if bounds else {}
    given |= {"labels": 4} if kind == "labels" else {}
    monkeypatch.chdir(path.parent)
    found: dict = {}
    code = reading_lines({"size": size, "training": flags, "input": given})
    exec(code.replace("input.png", path.name), found)
    assert found["x"].dtype == np.float32
    wanted, x = picture.image.numpy(), found["x"]
    if kind == "labels":
        assert (
            x != wanted
        ).mean() < 0.002  # of pixels on a border, with which nearest neighbours go
    else:
        assert np.abs(x - wanted).max() < 0.02


@pytest.mark.parametrize("kind", ["grey of 16 bits", "bands", "floats"])
def test_the_code_of_the_card_writes_the_values_of_training(kind, tmp_path, monkeypatch) -> None:
    tifffile = pytest.importorskip("tifffile")
    bounds, channels = parse_range("range_B", RANGES[kind]), 5 if kind == "bands" else 1
    y = np.linspace(-1.2, 1.2, channels * 24, dtype=np.float32).reshape(1, channels, 4, 6)
    wanted = from_network(y[0].transpose(1, 2, 0), bounds)
    made = {"channels": channels, "values": list(bounds[:2]), "dtype_of_values": wanted.dtype.name}
    monkeypatch.chdir(tmp_path)
    exec(saving_lines({"output": made}), {"y": y, "np": np, "Image": Image})
    files = list(tmp_path.iterdir())
    read = Image.open(files[0]) if files[0].suffix == ".png" else tifffile.imread(files[0])
    assert np.array_equal(np.asarray(read), wanted.squeeze())
    assert np.asarray(read).dtype == wanted.dtype


def test_the_code_of_the_card_writes_classes(tmp_path, monkeypatch) -> None:
    values = Values("B", 3, labels=3)
    y = np.random.default_rng(0).uniform(-1, 1, (1, 3, 4, 6)).astype(np.float32)
    y[..., 0] = -1  # no class
    monkeypatch.chdir(tmp_path)
    made = {"channels": 3, **values_of_output(values)}
    exec(saving_lines({"output": made}), {"y": y, "np": np, "Image": Image})
    wanted = values.in_file(y[0].transpose(1, 2, 0))[..., 0]
    assert np.array_equal(np.asarray(Image.open("output.png")), wanted)


def test_the_code_of_the_card_knows_the_range_of_each_channel(tmp_path, monkeypatch) -> None:
    tifffile = pytest.importorskip("tifffile")
    monkeypatch.chdir(tmp_path)
    ranges = [[0.0, 9000.0], [100.0, 5000.0], [-1.5, 2.5]]
    array = np.float32([[[low, low + (high - low) / 4, high]] for low, high in ranges])
    write_values(tmp_path / "input.tif", array.transpose(1, 2, 0))
    found: dict = {}
    given = {"channels": 3, "values": ranges}
    flags = {"preprocess": "none"}
    exec(reading_lines({"size": 1, "training": flags, "input": given}), found)
    assert found["x"].ravel().tolist() == pytest.approx([-0.5] * 3)  # the middle pixel
    y = np.full((1, 3, 4, 6), -0.5, np.float32)
    made = {"channels": 3, "values": ranges, "dtype_of_values": "float32"}
    exec(saving_lines({"output": made}), {"y": y, "np": np, "Image": Image})
    wanted = [low + (high - low) / 4 for low, high in ranges]
    assert tifffile.imread("output.tif")[3, 5].tolist() == pytest.approx(wanted)


def test_a_folder_of_pictures_is_read_with_the_bands_and_nodata_of_training(tmp_path) -> None:
    array = np.float32([[[1, 5, 9], [3, np.nan, 7]]]).repeat(16, 0).repeat(8, 1)  # (16, 16, 3)
    write_values(tmp_path / "input.tif", array)
    bounds = parse_range("range_A", "0.0,10.0")
    values = Values("A", 2, bounds, bands=(3, 1), nodata=math.nan)
    (picture,) = pictures_in(tmp_path, 2, 16, 1, values, {"preprocess": "none"})
    assert picture.image[0, :, 0, 0].tolist() == pytest.approx([0.8, -0.8])


@pytest.mark.parametrize("nodata", [math.nan, -9999.0, float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("apart", [False, True])
def test_the_code_of_the_card_knows_bands_and_pixels_without_data(nodata, apart, tmp_path, monkeypatch):  # fmt: skip
    tifffile = pytest.importorskip("tifffile")
    monkeypatch.chdir(tmp_path)
    array = noise(np.uint16, 16, 20, 3).astype(np.float32)
    array[2:5, 3:9, 2] = nodata
    stored = array.transpose(2, 0, 1) if apart else array
    planes = "separate" if apart else "contig"
    tifffile.imwrite("input.tif", stored, photometric="minisblack", planarconfig=planes)
    values = Values("A", 2, parse_range("range_A", "0.0,70000.0"), bands=(3, 1), nodata=nodata)
    flags = {"preprocess": "none"}
    (picture,) = pictures_in(tmp_path, 2, 16, 1, values, flags)
    given = {"channels": 2, **values_of_input(values)}
    found: dict = {}
    exec(reading_lines({"size": 16, "training": flags, "input": given}), found)
    assert np.abs(found["x"] - picture.image.numpy()).max() < 1e-6
    made = {"channels": 2, "values": [0, 9000], "dtype_of_values": "float32"}
    exec(saving_lines({"input": given, "output": made}), found | {"y": found["x"]})
    holes = np.zeros((16, 16), bool)
    holes[2:5, 1:7] = True
    saved = tifffile.imread("output.tif")
    assert np.array_equal(np.isnan(saved) if math.isnan(nodata) else saved == nodata, holes[..., None].repeat(2, 2))  # fmt: skip


def test_a_score_of_16_bits_is_in_the_numbers_of_the_files() -> None:
    values = Values("B", 1, parse_range("range_B", "0,9000"))
    truth = torch.linspace(-1, 1, 16).reshape(1, 1, 4, 4)
    told = scores_on([Picture("a", truth, truth)], [truth * 0.9], values)
    numbers = [values.numbers(image[0].movedim(0, -1).numpy()) for image in (truth, truth * 0.9)]
    assert f"in the files' units {np.abs(numbers[0] - numbers[1]).mean():.4g}" in told


def test_names_are_text_on_the_card_whatever_is_in_them() -> None:
    assert plain_text("maps_pix2pix") == "maps_pix2pix"
    assert plain_text("<b>*x*</b>|\n# y") == r"&lt;b&gt;\*x\*&lt;/b&gt;\| \# y"
    assert plain_text("_a_ [b](c)") == r"\_a\_ \[b\](c)"
    assert code_span("a`<i>\nb") == "`a <i> b`"


def test_a_run_that_cropped_is_described_by_crops(checkpoints, paired, tmp_path) -> None:
    """The run `plain` cuts nothing; a copy that says it did gets the middle of its images, not small copies."""
    run = tmp_path / "cropped"
    shutil.copytree(checkpoints / "plain", run)
    options = json.loads((run / "options.json").read_text())
    options["flags"] |= {"preprocess": "crop", "crop_size": 16}
    (run / "options.json").write_text(json.dumps(options))
    exported(tmp_path, tmp_path / "out", "cropped", "--format", "safetensors")
    card = (tmp_path / "out/README.md").read_text()
    assert "image.crop(" in card
    assert "image.resize(" not in card
    whole = pixels(sorted((paired / "test").iterdir())[0])[:, 32:]
    with Image.open(tmp_path / "out/samples.png") as sheet:
        assert np.array_equal(np.asarray(sheet)[:16, :16], whole[8:24, 8:24])
