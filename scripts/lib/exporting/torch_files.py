"""Files that PyTorch runs without this library: TorchScript, and programs of torch.export."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
import torch.fx.experimental._config

from scripts.lib.exporting.formats import ExportJob, Format, Runtime, runner

METADATA = "metadata.json"
USAGE = """\
import torch
network = {load}
with torch.no_grad():
    y = network(torch.from_numpy(x)).numpy()"""


def write_torchscript(job: ExportJob, path: Path) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # newer PyTorch would rather have torch.export
        traced = torch.jit.trace(job.traced(), job.example())
        torch.jit.save(traced, str(path), _extra_files={METADATA: job.metadata()})


def open_torchscript(path: Path) -> Runtime:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = torch.jit.load(str(path))
    return Runtime(f"TorchScript of PyTorch {torch.__version__}, CPU", runner(network))


def write_exported(job: ExportJob, path: Path) -> None:
    with torch.no_grad(), _any_size():
        program = torch.export.export(
            job.traced().eval(), (job.example(),), dynamic_shapes=job.dynamic_shapes()
        )
        torch.export.save(program, str(path), extra_files={METADATA: job.metadata()})


def _any_size() -> AbstractContextManager[None]:
    """Lets a U-Net take images so small that a side of 1 remains inside, which old PyTorch does anyway."""
    config = torch.fx.experimental._config
    if not hasattr(config, "backed_size_oblivious"):
        return nullcontext()
    return config.patch(backed_size_oblivious=True)


def open_exported(path: Path) -> Runtime:
    network = torch.export.load(str(path)).module()
    return Runtime(f"torch.export of PyTorch {torch.__version__}, CPU", runner(network))


TORCHSCRIPT = Format(
    ".torchscript.pt",
    ("fp32", "half"),
    write_torchscript,
    open_torchscript,
    USAGE.replace("{load}", 'torch.jit.load("{file}")'),
)
EXPORTED = Format(
    ".pt2",
    ("fp32", "half"),
    write_exported,
    open_exported,
    USAGE.replace("{load}", 'torch.export.load("{file}").module()'),
)
