"""ONNX: for ONNX Runtime, in browsers too, and for many compilers."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.lib.exporting.formats import ExportJob, Format, Runtime
from util.errors import InputError

# Convolutions at either end that int8 leaves alone: few weights, and the most visible errors.
IN_FULL = 2
OPSET = 18  # which browsers' runtimes know as well
PACKAGES = "onnx onnxscript onnxruntime"

USAGE = """\
import onnxruntime
session = onnxruntime.InferenceSession("{file}")
(y,) = session.run(["output"], {{"input": x}})"""


def write_onnx(job: ExportJob, path: Path) -> None:
    """Writes the file. Raises: InputError when a package is missing."""
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"--format onnx needs more packages ({error}): pip install {PACKAGES}"
        ) from None
    with quiet():
        program = torch.onnx.export(
            job.traced(),
            (job.example(),),
            input_names=["input"],
            output_names=["output"],
            opset_version=OPSET,
            dynamic_shapes=job.dynamic_shapes(),
            dynamo=True,
        )
    model = program.model_proto  # type: ignore[union-attr]
    if job.precision == "int8":
        model = quantize(model, job)
    if job.precision == "half_weights":
        round_to_half(model)
    for node in model.graph.node:  # where in whose folders PyTorch's code was traced
        del node.metadata_props[:]
    onnx.helper.set_model_props(model, {"metadata": job.metadata()})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def round_to_half(model: Any) -> None:
    """Rounds weights to 16 bits but leaves them 32 long: runtimes compute as ever, and the file compresses to half."""
    import onnx

    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.ndim > 1:
            rounded = values.astype(np.float16).astype(np.float32)
            weight.CopyFrom(onnx.numpy_helper.from_array(rounded, weight.name))


def quantize(model: Any, job: ExportJob) -> Any:
    """Returns the model with convolutions of 8 bits, but the outer ones; ranges are those of the job's sample."""
    import onnx
    from onnxruntime import quantization as q

    class Sample(q.CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(job.sample)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(({"input": image.numpy()} for image in self.left), None)

    kinds = ("Conv", "ConvTranspose")
    convolutions = [node.name for node in model.graph.node if node.op_type in kinds]
    with tempfile.TemporaryDirectory() as folder, quiet():
        plain, small = Path(folder, "plain.onnx"), Path(folder, "small.onnx")
        plain.write_bytes(model.SerializeToString())
        q.quantize_static(
            plain,
            small,
            Sample(),
            quant_format=q.QuantFormat.QDQ,
            op_types_to_quantize=kinds,
            nodes_to_exclude=[*convolutions[:IN_FULL], *convolutions[-IN_FULL:]],
            per_channel=True,
            activation_type=q.QuantType.QUInt8,
            weight_type=q.QuantType.QInt8,
        )
        return onnx.load(small)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences what exporters say to those who write exporters."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def open_onnx(path: Path) -> Runtime:
    """Returns the file in ONNX Runtime, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])

    def run(images: np.ndarray) -> np.ndarray:
        return session.run(["output"], {"input": images})[0]

    return Runtime(f"ONNX Runtime {onnxruntime.__version__}, CPU", run)


ONNX = Format(".onnx", ("fp32", "half_weights", "half", "int8"), write_onnx, open_onnx, USAGE)
