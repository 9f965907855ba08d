"""What scripts/export.py refuses: before any work is done, and saying what to do."""

from __future__ import annotations

import sys

import pytest
from helpers.export import exported, tiny_weights

from scripts import export
from util.errors import InputError


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--format", "torchscript", "--int8"],
            "--int8 is not for --format torchscript: it has fp32, half",
        ),
        (["--size", "30"], "--size 30 does not fit .* multiples of 4, and 8 or more: use 32"),
        (["--recalibrate"], "needs a generator with batch norm"),
        (["--phase", "nowhere"], "the nowhere images of the run cannot be read .* by --images"),
        (["--images", "nowhere"], "nowhere"),
        (["--push_to_hub", "me"], "'me' is not USER/REPOSITORY"),
    ],
)
def test_what_cannot_be_is_refused(flags, message, checkpoints, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        exported(checkpoints, tmp_path / "out", "cycle", *flags)
    assert not (tmp_path / "out").exists()


def test_weights_without_options_need_images(tmp_path) -> None:
    weights = tiny_weights(tmp_path / "G.pth", "resnet_6blocks", "instance")
    with pytest.raises(InputError, match="no options.json .* by --images"):
        export.main(["--weights", str(weights), "--out", str(tmp_path / "out")])


@pytest.mark.parametrize(
    ("package", "flags"),
    [
        ("onnxscript", ["--format", "onnx"]),
        ("safetensors.torch", ["--format", "safetensors"]),
        ("huggingface_hub", ["--push_to_hub", "me/mine"]),
    ],
)
def test_a_package_that_is_missing_is_named(
    package, flags, checkpoints, tmp_path, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"pip install .*{package.partition('.')[0]}"):
        exported(checkpoints, tmp_path, "cycle", *flags)


def test_uploading_needs_a_login_before_any_work_is_done(
    checkpoints, tmp_path, monkeypatch
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(InputError, match="hf auth login"):
        exported(checkpoints, tmp_path / "out", "cycle", "--push_to_hub", "me/mine")
    assert not (tmp_path / "out").exists()


def test_a_hub_that_cannot_be_reached_leaves_the_export(checkpoints, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    flags = ("--format", "safetensors", "--push_to_hub", "me/mine")
    with pytest.raises(InputError, match="--push_to_hub me/mine: .*\n.* is complete here"):
        exported(checkpoints, tmp_path, "cycle", *flags)
    assert (tmp_path / "README.md").exists()
