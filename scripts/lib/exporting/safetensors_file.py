"""safetensors: the weights alone, with what is needed to build their network again."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from models.networks import define_G
from models.networks.norms import separate_norms
from scripts.lib.exporting.formats import ExportJob, Format, Runtime, runner
from scripts.lib.exporting.generator import plain_layers
from util.errors import InputError

USAGE = """\
import json, torch
from safetensors import safe_open
from models.networks.norms import separate_norms            # of the library that trained this
from models.networks import define_G
with safe_open("{file}", "pt") as file:
    facts = json.loads(file.metadata()["metadata"])
    weights = {{name: file.get_tensor(name) for name in file.keys()}}
network = define_G(**facts["architecture"]).eval()
network.load_state_dict(weights)
if facts["norm_policy"] == "image":
    separate_norms(network)
with torch.no_grad():
    y = network(torch.from_numpy(x)).numpy()"""


def write_safetensors(job: ExportJob, path: Path) -> None:
    """Writes the file. Raises: InputError when the package is missing, or for a network that is not ours."""
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise InputError(
            "--format safetensors needs another package: pip install safetensors"
        ) from None
    if not job.facts["architecture"]:
        raise InputError(
            "safetensors holds only weights, for known networks (ResNet, U-Net): choose another --format"
        )
    weights = {name: value.contiguous() for name, value in job.generator.weights.items()}
    if job.precision == "half":
        weights = {n: v.half() if v.is_floating_point() else v for n, v in weights.items()}
    save_file(weights, str(path), metadata={"metadata": job.metadata()})


def open_safetensors(path: Path) -> Runtime:
    """Builds the network that the file describes, with the file's weights."""
    import safetensors

    with safetensors.safe_open(str(path), "pt") as file:
        facts = json.loads(file.metadata()["metadata"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    network = define_G(**facts["architecture"])
    network.load_state_dict(
        {n: v.float() if v.is_floating_point() else v for n, v in weights.items()}
    )
    if facts["norm_policy"] == "image":
        separate_norms(network)
    version = f"safetensors {safetensors.__version__}, PyTorch {torch.__version__}, CPU"
    return Runtime(version, runner(plain_layers(network).eval()))


SAFETENSORS = Format(".safetensors", ("fp32", "half"), write_safetensors, open_safetensors, USAGE)
