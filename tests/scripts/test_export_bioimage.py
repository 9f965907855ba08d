"""--format bioimageio: the validator of bioimage.io reads the folder, runs it, and gets what the generator gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.export import exported
from PIL import Image

from models.inference.translator import load_translator
from scripts.lib.exporting.bioimage import check_describable, description
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


VALIDATE = """import sys
from bioimageio.core import test_description
summary = test_description(sys.argv[1], determinism="seed_only")
sys.exit(0 if summary.status == "passed" else summary.format())"""


def validate(folder: Path) -> None:
    """Has the validator run the model on its own test tensors, in a process: it leaves files open."""
    pytest.importorskip("bioimageio.core")
    line = [sys.executable, "-c", VALIDATE, str(folder / "rdf.yaml")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("flags", [(), ("--dynamic",)])
def test_a_folder_is_valid_runs_elsewhere_and_takes_the_values_of_files(
    flags, checkpoints, paired, tmp_path
) -> None:
    exported(checkpoints, tmp_path, "plain", "--format", "bioimageio", "--licence", "MIT", *flags)
    validate(tmp_path)
    assert json.loads((tmp_path / "rdf.yaml").read_text())["license"] == "MIT"
    given = np.load(tmp_path / "test_input.npy")
    first = sorted((paired / "test").iterdir())[0]
    with Image.open(first) as pair:
        pixels = np.asarray(pair)[:, 32:]
    assert np.abs(given[0].transpose(1, 2, 0) - pixels).max() < 1e-3
    wanted = load_translator(checkpoints / "plain", device="cpu")(pixels).astype(int)
    made = np.load(tmp_path / "test_output.npy")[0].transpose(1, 2, 0)
    assert np.abs(made - wanted).max() <= 1


def test_16_bits_and_a_range_for_each_channel_are_in_the_description() -> None:
    facts = {
        "name": "cells",
        "direction": "AtoB",
        "training": {"model": "cycle_gan"},
        "dynamic": True,
        "smallest_size": 32,
        "size_multiple": 4,
        "input": {"channels": 1, "values": [0, 9000]},
        "output": {"channels": 2, "values": [[0, 1], [-1, 3]]},
    }
    names = ("test_input.npy", "test_output.npy", "generator.onnx", "samples.png")
    files = {name: {"source": name, "sha256": "0" * 64} for name in names}
    found = description(facts, files, "generator.onnx", "not stated")
    (into,) = found["inputs"][0]["preprocessing"]
    assert into["kwargs"] == {"gain": pytest.approx(2 / 9000), "offset": -1}
    (out,) = found["outputs"][0]["postprocessing"]
    assert out["kwargs"] == {"gain": [0.5, 2], "offset": [0.5, 1], "axis": "channel"}
    assert found["inputs"][0]["axes"][2]["size"] == {"min": 32, "step": 4}
    assert "license" not in found
    assert "Cycle-Consistent" in found["cite"][0]["text"]


def test_label_maps_are_refused_with_what_works() -> None:
    for given, made in (({"labels": 4}, {}), ({}, {"labels": 4})):
        with pytest.raises(InputError, match=r"label maps.*use --format onnx"):
            check_describable({"input": given, "output": made})
