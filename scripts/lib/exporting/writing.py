"""Exported files with their certificates: written, run, compared, and only then given its name."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scripts.lib.exporting.certificate import choose_inputs, compare_outputs, make_certificate
from scripts.lib.exporting.formats import ExportJob, Format
from scripts.lib.exporting.generator import Exportable
from scripts.lib.exporting.onnx_file import ONNX
from scripts.lib.exporting.pictures import TestPicture
from scripts.lib.exporting.safetensors_file import SAFETENSORS
from scripts.lib.exporting.torch_files import EXPORTED, TORCHSCRIPT
from util.errors import InputError
from util.files import make_folder, sha256_of, write_text

FORMATS: dict[str, Format] = {
    "onnx": ONNX,
    "torchscript": TORCHSCRIPT,
    "exported": EXPORTED,
    "safetensors": SAFETENSORS,
}
CERTIFICATE = ".certificate.json"


@dataclass(frozen=True)
class CheckedFile:
    """A file that has been compared.

    Attributes:
        certificate: what lies beside it as JSON.
        outputs: what it made of the pictures, each (1, C, H, W).
    """

    path: Path
    certificate: dict[str, Any]
    outputs: list[torch.Tensor]


def write_checked(
    kind: str,
    exportable: Exportable,
    facts: dict[str, Any],
    pictures: Sequence[TestPicture],
    folder: Path,
    sample: Sequence[torch.Tensor] = (),
) -> CheckedFile:
    """Writes folder/generator[_half|_int8].<suffix> and its certificate, by the comparison on the pictures.

    A file that fails gets the name generator.failed.<suffix>; one of an earlier export stays as it was.

    Args:
        kind: of FORMATS.
        facts: see `gather_facts`.
        sample: images (1, C, size, size) for the ranges of int8.
    Raises: InputError when a package is missing, or the disk refuses.
    """
    form, precision = FORMATS[kind], facts["precision"]
    job = ExportJob(exportable, facts, sample)
    stem = "generator" if precision == "fp32" else f"generator_{precision}"
    make_folder(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            draft = Path(beside, stem + form.suffix)
            form.write(job, draft)
            runtime = form.open(draft)
            inputs = choose_inputs(job, pictures)
            comparison = compare_outputs(exportable.translator.translate_tensor, runtime, inputs)
            proof = make_certificate(precision, runtime, comparison)
            path = folder / f"{stem}{'' if proof['passed'] else '.failed'}{form.suffix}"
            proof = {
                "file": path.name,
                "sha256": sha256_of(draft),
                "bytes": draft.stat().st_size,
                "format": kind,
                **proof,
                "facts": facts,
            }
            os.replace(draft, path)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from None
    write_text(Path(f"{path}{CERTIFICATE}"), json.dumps(proof, indent=2) + "\n")
    return CheckedFile(path, proof, comparison.outputs[: len(pictures)])
