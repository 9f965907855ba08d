"""scripts/export.py: files that give what the generator gives, in their own runtimes, and refuse to be anything else."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors
import torch
from helpers.export import export_weights, exported, tiny_weights
from helpers.translator import pixels, results_of

from models.inference.find_generator import find_generator
from models.networks import GENERATORS, define_G
from options.base_options import NORMS
from scripts.lib.exporting import writing
from scripts.lib.exporting.generator import open_generator
from scripts.lib.exporting.onnx_file import open_onnx
from scripts.lib.exporting.torch_files import METADATA
from util.checkpoints.files import save

CLOSE = 0.05  # grey levels


# Larger ones repeat their layers.
SMALL = [name for name in GENERATORS if name.rpartition("_")[2] not in ("256", "512", "1024")]


# Of every generator a file that is quickly made; ONNX of one of each kind.
@pytest.mark.parametrize(
    ("netG", "norm", "kind"),
    [
        *((*pair, "torchscript") for pair in zip(SMALL, cycle(NORMS), strict=False)),
        ("resnet_6blocks", "instance", "onnx"),
        ("unet_64", "batch", "onnx"),
        ("encoder_decoder_64", "none", "onnx"),
    ],
)
def test_a_file_of_every_generator_gives_what_the_generator_gives(
    netG, norm, kind, unpaired, tmp_path
) -> None:
    depth = netG.rpartition("_")[2]
    size = int(depth) if depth.isdecimal() else 32
    weights = tiny_weights(tmp_path / "G.pth", netG, norm)
    proof = export_weights(
        weights,
        tmp_path / "out",
        unpaired / "testA",
        "--size",
        str(size),
        "--norm_policy",
        "running",
        "--format",
        kind,
    )
    assert proof["passed"]
    assert proof["max"] < CLOSE
    assert proof["inputs"] == 2
    assert {row["shape"][-1] for row in proof["each"]} == {size}


@pytest.mark.parametrize(
    ("netG", "norm", "policy"),
    [
        *(("unet_64", norm, "running") for norm in NORMS),
        *(("unet_64", norm, "image") for norm in ("batch", "syncbatch", "instance")),
        *(("resnet_6blocks", "batch", policy) for policy in ("image", "running")),
    ],
)
def test_every_norm_and_policy_is_kept(netG, policy, norm, unpaired, tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", netG, norm, dropout=True)
    flags = ("--format", "torchscript", "--size", "64", "--norm_policy", policy)
    proof = export_weights(weights, tmp_path / "out", unpaired / "testA", *flags)
    assert proof["max"] < CLOSE
    assert proof["facts"]["dropout"] == "off"
    assert proof["facts"]["norm_policy"] == (policy if "batch" in norm else "none")


def test_a_file_with_running_statistics_gives_the_pictures_of_test_py_with_eval(
    checkpoints, paired, tmp_path
) -> None:
    pictures = results_of(checkpoints, tmp_path, paired, "plain", "pix2pix", "--eval")
    exported(checkpoints, tmp_path / "out", "plain", "--norm_policy", "running")
    run = open_onnx(tmp_path / "out/generator.onnx").run
    for i in range(3):
        image = pixels(paired / f"test/{i:03d}.png")[:, 32:].astype(np.float32)
        y = run((image / 127.5 - 1).transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
        made = ((y + 1) * 127.5).round().clip(0, 255)
        assert np.abs(made - pixels(pictures / f"{i:03d}_fake_B.png")).max() <= 1


@pytest.mark.parametrize("kind", ["onnx", "torchscript", "exported", "safetensors"])
def test_every_format_takes_any_size_and_tells_what_it_is(kind, checkpoints, tmp_path) -> None:
    (proof,) = exported(checkpoints, tmp_path, "noisy", "--format", kind, "--dynamic")
    assert proof["max"] < CLOSE
    assert [2, 3, 32, 32] in [row["shape"] for row in proof["each"]]
    assert [1, 3, 32, 64] in [row["shape"] for row in proof["each"]]
    facts = json.loads(metadata(tmp_path / proof["file"], kind))
    assert facts == proof["facts"]
    assert facts["input"]["range"] == [-1, 1]
    assert facts["size_multiple"] == 4
    assert facts["trained_with_dropout"] is True
    assert facts["training"]["ngf"] == 2


def metadata(path: Path, kind: str) -> str:
    if kind == "onnx":
        (entry,) = onnx.load(path).metadata_props
        return entry.value
    if kind == "safetensors":
        with safetensors.safe_open(str(path), "pt") as file:
            return file.metadata()["metadata"]
    extra = {METADATA: ""}
    if kind == "torchscript":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch would rather have torch.export
            torch.jit.load(str(path), _extra_files=extra)
        return extra[METADATA].decode()
    torch.export.load(str(path), extra_files=extra)
    return extra[METADATA]


def test_a_u_net_takes_images_as_small_as_its_depth_allows(unpaired, tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", "unet_64", "batch")
    flags = ("--format", "exported", "--size", "64", "--dynamic")
    proof = export_weights(weights, tmp_path / "out", unpaired / "testA", *flags)
    assert proof["each"][0]["shape"] == [1, 3, 64, 64]


def test_an_onnx_file_says_nothing_of_the_folders_of_this_machine(unpaired, tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", "unet_64", "batch")
    export_weights(weights, tmp_path / "out", unpaired / "testA", "--size", "64")
    content = (tmp_path / "out/generator.onnx").read_bytes()
    for folder in (Path(__file__).parents[2], Path(torch.__file__).parent, tmp_path):
        assert str(folder).encode() not in content


@pytest.mark.parametrize(
    "kind",
    [
        "onnx",
        "torchscript",
        "exported",
        "safetensors",
    ],
)
def test_half_files_are_half_as_large_and_tell_what_that_costs(kind, unpaired, tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", "resnet_6blocks", "instance", ngf=16)
    flags = ("--format", kind, "--size", "32", "--half")
    proof = export_weights(weights, tmp_path / "out", unpaired / "testA", *flags)
    assert proof["file"].startswith("generator_half.")
    assert proof["bytes"] < 0.6 * weights.stat().st_size  # besides weights there is a graph
    assert 0.001 < proof["mean"] < 1


def test_int8_has_integer_convolutions_inside_and_reports_its_error(checkpoints, tmp_path) -> None:
    (proof,) = exported(checkpoints, tmp_path, "cycle", "--int8", "--sample_size", "3")
    graph = onnx.load(tmp_path / "generator_int8.onnx").graph
    assert sum(tensor.data_type == onnx.TensorProto.INT8 for tensor in graph.initializer) >= 12
    assert 0.1 < proof["mean"] < 30
    assert proof["facts"]["precision"] == "int8"


@pytest.fixture
def broken_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format whose files have lost a bit of the last bias."""
    form = writing.FORMATS["torchscript"]

    def write(job, path) -> None:
        with torch.no_grad():
            list(job.generator.network.parameters())[-1].sub_(0.02)
        form.write(job, path)

    monkeypatch.setitem(writing.FORMATS, "torchscript", replace(form, write=write))


def test_a_file_that_is_off_by_more_than_a_grey_level_fails_and_is_put_aside(
    checkpoints, tmp_path, capsys, broken_format
) -> None:
    (proof,) = exported(checkpoints, tmp_path, "cycle", "--format", "torchscript", status=1)
    assert not proof["passed"]
    assert 1 < proof["max"] < 3
    assert (tmp_path / "generator.failed.torchscript.pt").exists()
    assert not (tmp_path / "generator.torchscript.pt").exists()
    assert not (tmp_path / "README.md").exists()
    assert "FAILED: more than 1 grey level" in capsys.readouterr().out


def test_recalibrated_statistics_are_those_of_the_sample(unpaired, tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", "resnet_6blocks", "batch", dropout=True)
    sample = [torch.rand(1, 3, 32, 32) for _ in range(4)]
    G, again = (
        open_generator(find_generator(weights), "running", sample).translator.generator
        for _ in range(2)
    )
    assert torch.equal(G.model[20].running_mean, again.model[20].running_mean)  # without dropout
    with torch.no_grad():
        features = G.model[1](G.model[0](torch.cat(sample)))
    norm = G.model[2]
    assert torch.allclose(norm.running_mean, features.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, features.var((0, 2, 3)), rtol=1e-4)
    assert norm.momentum == 0.1
    assert not any(module.training for module in G.modules())


def test_recalibration_changes_the_file_and_is_recorded(checkpoints, tmp_path) -> None:
    flags = ("--format", "torchscript", "--norm_policy", "running")
    (before,) = exported(checkpoints, tmp_path, "noisy", *flags)
    (after,) = exported(
        checkpoints, tmp_path, "noisy", *flags, "--recalibrate", "--sample_size", "5"
    )
    assert after["max"] < CLOSE
    assert after["sha256"] != before["sha256"]
    assert after["facts"]["norm_statistics"] == "running, measured again on 5 images"


def test_the_other_direction_of_a_cycle_gan_is_another_generator(checkpoints, tmp_path) -> None:
    flags = ("--format", "safetensors")
    (there,) = exported(checkpoints, tmp_path / "there", "cycle", *flags)
    (back,) = exported(checkpoints, tmp_path / "back", "cycle", "--direction", "BtoA", *flags)
    assert [there["facts"]["direction"], back["facts"]["direction"]] == ["AtoB", "BtoA"]
    assert back["facts"]["weights"] == "latest_net_G_B.pth"
    assert back["each"][0]["input"] == "300.png"  # an image of domain B


@pytest.mark.parametrize("kind", ["safetensors", "torchscript"])
@pytest.mark.filterwarnings("ignore:.*torch.jit.load.* is deprecated")
def test_a_generator_without_aliasing_is_exported_like_others(kind, unpaired, tmp_path) -> None:
    torch.manual_seed(0)
    flags = {"init_gain": 0.2, "antialias": True, "antialias_up": True}
    network = define_G(3, 3, 2, "resnet_6blocks", "instance", **flags)
    save(tmp_path / "G.pth", network.state_dict())
    words = ["--format", kind, "--size", "32"]
    proof = export_weights(tmp_path / "G.pth", tmp_path / "out", unpaired / "testA", *words)
    assert proof["passed"]
    assert proof["facts"]["architecture"]["antialias"]
