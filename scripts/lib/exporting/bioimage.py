"""A folder as bioimage.io describes models: opened by deepImageJ in Fiji, ilastik and napari.

rdf.yaml follows version 0.5 of the model description: https://bioimage.io/docs. It is written as JSON, which is YAML too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.exporting.card import SAMPLES
from scripts.lib.exporting.onnx_file import OPSET
from scripts.lib.exporting.pictures import TestPicture
from scripts.lib.exporting.writing import CheckedFile
from util.errors import InputError
from util.files import replacing, sha256_of, write_text

VERSION = "0.5.3"
DESCRIPTION = "rdf.yaml"
# Papers, by model.
PIX2PIX = {
    "text": "Isola et al. Image-to-Image Translation with Conditional Adversarial Networks. CVPR 2017",
    "doi": "10.1109/CVPR.2017.632",
}
CYCLEGAN = {
    "text": "Zhu et al. Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks. ICCV 2017",
    "doi": "10.1109/ICCV.2017.244",
}
CUT = {
    "text": "Park et al. Contrastive Learning for Unpaired Image-to-Image Translation. ECCV 2020",
    "doi": "10.1007/978-3-030-58545-7_19",
}
PAPERS = {"cycle_gan": CYCLEGAN, "cut": CUT}


def check_describable(facts: dict[str, Any]) -> None:
    """Raises: InputError for generators of label maps, which the description has no words for."""
    if "labels" in facts["input"]:
        raise InputError(
            "--format bioimageio: this generator takes label maps, one channel a class, which the format cannot prepare; "
            "use --format onnx"
        )
    if "labels" in facts["output"]:
        raise InputError(
            "--format bioimageio: this generator makes label maps, a channel for each class, of which the format cannot "
            "make class numbers; use --format onnx"
        )


def write_description(
    folder: Path, written: CheckedFile, pictures: Sequence[TestPicture], licence: str
) -> Path:
    """Writes rdf.yaml and its test tensors beside an ONNX file and its README; returns its path.

    The tensors are the first picture in the values of its file, and what the ONNX file makes of it.
    """
    facts = written.certificate["facts"]
    given, made = (ends_of(facts[side]) for side in ("input", "output"))
    tensors = {
        "test_input.npy": file_values(pictures[0].image.numpy(), *given),
        "test_output.npy": file_values(written.outputs[0].numpy(), *made),
    }
    for name, array in tensors.items():
        with replacing(folder / name) as file:
            np.save(file, array)
    files = {name: described(folder / name) for name in (*tensors, written.path.name, SAMPLES)}
    text = json.dumps(description(facts, files, written.path.name, licence), indent=2)
    write_text(folder / DESCRIPTION, text + "\n")
    return folder / DESCRIPTION


def description(
    facts: dict[str, Any], files: dict[str, dict[str, str]], weights: str, licence: str
) -> dict[str, Any]:
    """Returns the content of rdf.yaml; files: `described` ones by name."""
    name = f"{facts['name']} {facts['direction']}".strip()
    spdx = {"license": licence} if re.fullmatch(r"[A-Za-z0-9][\w.+-]*", licence) else {}
    low, high = ends_of(facts["input"])
    to_network = scale_linear(2 / (high - low), -(high + low) / (high - low))
    low, high = ends_of(facts["output"])
    to_values = scale_linear((high - low) / 2, (high + low) / 2)
    return {
        "format_version": VERSION,
        "type": "model",
        "name": re.sub(r"[^\w+() -]", "_", f"{name} generator")[:128],
        "description": f"Image translation by the generator of {name}"[:1024],
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "tags": ["image-to-image", "2d", "gan"],
        "cite": [PAPERS.get(facts["training"].get("model"), PIX2PIX)],
        **spdx,
        "documentation": "README.md",
        "covers": [files[SAMPLES]],
        "inputs": [
            {
                "id": "input",
                "axes": axes(facts, "input", size_of(facts)),
                "test_tensor": files["test_input.npy"],
                "preprocessing": [to_network],
            }
        ],
        "outputs": [
            {
                "id": "output",
                "axes": axes(facts, "output", {"tensor_id": "input"}),
                "test_tensor": files["test_output.npy"],
                "postprocessing": [to_values],
            }
        ],
        "weights": {"onnx": {**files[weights], "opset_version": OPSET}},
    }


def size_of(facts: dict[str, Any]) -> int | dict[str, Any]:
    if facts["dynamic"]:
        return {"min": facts["smallest_size"], "step": facts["size_multiple"]}
    return facts["size"]


def axes(facts: dict[str, Any], side: str, size: int | dict[str, Any]) -> list[dict[str, Any]]:
    """Describes the axes of (N, C, H, W); size: of H and W, or the tensor whose axes have it."""
    batch = {"type": "batch"} if facts["dynamic"] else {"type": "batch", "size": 1}
    names = [f"channel{number}" for number in range(facts[side]["channels"])]
    spaces = [
        {
            "type": "space",
            "id": axis,
            "size": {**size, "axis_id": axis}
            if isinstance(size, dict) and "tensor_id" in size
            else size,
        }
        for axis in "yx"
    ]
    return [batch, {"type": "channel", "channel_names": names}, *spaces]


def ends_of(side: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the values in files that stand for -1 and 1; of each channel, if these differ."""
    low, high = np.moveaxis(np.asarray(side.get("values", [0, 255]), np.float64), -1, 0)
    return low, high


def file_values(images: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Values of files, float32 (N, C, H, W), of images in [-1, 1]."""
    low, high = (end.reshape(-1, 1, 1) for end in (low, high))
    return (low + (images.astype(np.float64) + 1) * (high - low) / 2).astype(np.float32)


def scale_linear(gain: np.ndarray, offset: np.ndarray) -> dict[str, Any]:
    """Describes gain * values + offset, of all channels or of each."""
    numbers = {"gain": gain.tolist(), "offset": offset.tolist()}
    return {"id": "scale_linear", "kwargs": numbers | ({"axis": "channel"} if gain.ndim else {})}


def described(path: Path) -> dict[str, str]:
    return {"source": path.name, "sha256": sha256_of(path)}
