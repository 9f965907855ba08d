"""Weights: damaged, of other networks, with other content, hostile."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from conftest import write_images
from torch import nn

from bad_inputs.commands import SMALL_G, translate, weights
from bad_inputs.kind import BadInput
from models.networks import define_D, define_G
from util.checkpoints import files as checkpoint

Content = Callable[[Path], Any]


class runs_code:
    """What makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def right() -> dict[str, torch.Tensor]:
    """The weights that fit."""
    return define_G(**SMALL_G).state_dict()


def wide(channels: int = 5000, inputs: int = 3) -> dict[str, torch.Tensor]:
    """Looks like a generator of so many filters."""
    sizes = {"model.1.weight": (channels, inputs), "model.10.conv_block.5.weight": (1, 1)}
    sizes |= {"model.26.weight": (3, 1)}
    return {key: torch.zeros(*size, 1, 1) for key, size in sizes.items()}


def nested(depth: int) -> Any:
    content: Any = {}
    for _ in range(depth):
        content = {"a": content}
    return content


# label -> what torch.save is given, and a part of the message; "" when it works
SAVED: dict[str, tuple[Content, str]] = {
    "a list": (lambda f: [torch.ones(1)], "holds no network weights"),
    "a number": (lambda f: 3, "holds no network weights"),
    "a tensor": (lambda f: torch.ones(3), "holds no network weights"),
    "numbers instead of tensors": (lambda f: {"model.1.weight": 1.0}, "holds no network weights"),
    "keys that are no text": (lambda f: {1: torch.ones(1)}, "holds no network weights"),
    "weights within a dict": (lambda f: {"state_dict": right()}, ""),
    "wider than its file": (lambda f: {k: torch.zeros(1).expand(4096, *v.shape[1:]) for k, v in right().items()}, "claims more values"),
    "a hundred thousand names of one tensor": (lambda f: dict.fromkeys(map(str, range(10**5)), torch.zeros(10**4)), "refers to its own parts"),
    "an empty dict": (lambda f: {}, "it lacks model.1.weight"),
    "a whole network": (lambda f: nn.Conv2d(1, 1, 1), "is not a checkpoint of plain tensors"),
    "code": (lambda f: {"w": runs_code(f / "ran")}, "is not a checkpoint of plain tensors"),
    "a dict a hundred deep": (lambda f: nested(100), "holds no network weights"),
    "another network": (lambda f: define_D(3, 1, "basic").state_dict(), "does not fit"),
    "one tensor missing": (lambda f: dict(list(right().items())[:-1]), "it lacks"),
    "one tensor more": (lambda f: {**right(), "extra": torch.ones(1)}, "it has extra besides"),
    "one tensor of another shape": (lambda f: {**right(), "model.1.bias": torch.ones(2)}, "has shape (2,)"),
    "a tensor of no dimension": (lambda f: {**right(), "model.1.weight": torch.tensor(1.0)}, "has shape ()"),
    "wider than any network": (lambda f: wide(), "latest_net_G.pth"),
    "without filters": (lambda f: wide(0), "latest_net_G.pth"),
    "without channels": (lambda f: wide(1, 0), "latest_net_G.pth"),
    "of seven blocks": (lambda f: define_resnet(7), "resnet_7blocks"),
    "sparse tensors": (lambda f: {k: v.to_sparse() for k, v in right().items()}, "tensors are sparse"),
    "tensors without content": (lambda f: {k: v.to("meta") for k, v in right().items()}, "without content"),
    "of a wrapped network": (lambda f: {f"module.{k}": v for k, v in right().items()}, ""),
    "of half precision": (lambda f: {k: v.half() for k, v in right().items()}, ""),
    "of double precision": (lambda f: {k: v.double() for k, v in right().items()}, ""),
    "NaN": (lambda f: {k: v * torch.nan for k, v in right().items()}, ""),
}  # fmt: skip


def define_resnet(blocks: int) -> dict[str, torch.Tensor]:
    """The right weights as of a ResNet of another depth."""
    state = {key: value for key, value in right().items() if ".conv_block." in key}
    block = {key: value for key, value in state.items() if key.startswith("model.10.")}
    more = {key.replace("model.10.", f"model.{10 + i}."): value for i in range(blocks) for key, value in block.items()}  # fmt: skip
    rest = {key: value for key, value in right().items() if ".conv_block." not in key}
    return {**rest, **more}


def to_test(folder: Path) -> Callable[[], Any]:
    """Translates one image, and complains if code of a file was run."""
    write_images(folder / "given", 1, 12, 12)

    def run() -> int:
        try:
            return translate(folder)
        finally:
            assert not (folder / "ran").exists(), "code of the file was run"

    return run


def saved(content: Content) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        path = weights(folder)
        torch.save(content(folder), path)
        return to_test(folder)

    return make


def damaged(change: Callable[[Path], Any]) -> Callable[[Path], Callable[[], Any]]:
    """Weights that fit, then changed as a file."""

    def make(folder: Path):
        change(weights(folder))
        return to_test(folder)

    return make


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def bomb(path: Path) -> None:
    """A zip as torch writes them, with a member that unpacks to 200 MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("latest_net_G/data.pkl", bytes(200 << 20))
        archive.writestr("latest_net_G/version", "3\n")


def packed_behind(path: Path) -> None:
    """Packed content, and behind it the directory of another file."""
    plain = path.read_bytes()
    bomb(path)
    path.write_bytes(path.read_bytes() + plain)


def flip(path: Path) -> None:
    """One bit in the middle of the largest tensor."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
    content = bytearray(path.read_bytes())
    header = content[largest.header_offset :][:30]  # ends with the lengths of name and extra field
    start = largest.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
    content[start + largest.file_size // 2] ^= 1
    path.write_bytes(content)


def declares_much(path: Path) -> None:
    """A pickle that asks for a text of two gigabytes and ends."""
    path.write_bytes(b"\x80\x02X" + (2**31 - 1).to_bytes(4, "little") + b"ab")


def a_state(path: Path) -> None:
    checkpoint.save(path, {"networks": {"G": right()}, "stateful": {}, "progress": {"epoch": 1}})


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: path.unlink(), "does not exist"),
    "empty file": (lambda path: path.write_bytes(b""), "latest_net_G.pth"),
    "truncated": (lambda path: cut(path, 0.5), "latest_net_G.pth"),
    "without its last byte": (lambda path: cut(path, 0.9999), "latest_net_G.pth"),
    "text": (lambda path: path.write_bytes(b"hello\n"), "latest_net_G.pth"),
    "web page": (lambda path: path.write_bytes(b"<!DOCTYPE html>"), "latest_net_G.pth"),
    "zeros": (lambda path: path.write_bytes(bytes(9999)), "latest_net_G.pth"),
    "a folder": (a_folder, "cannot read"),
    "a link to itself": (lambda path: (path.unlink(), path.symlink_to(path.name)), "cannot read"),
    "a bare pickle of code": (lambda path: path.write_bytes(pickle.dumps(runs_code(path.parents[2] / "ran"))), "plain tensors"),
    "a zip bomb": (bomb, "latest_net_G.pth"),
    "packed behind a second directory": (packed_behind, "latest_net_G.pth"),
    "one bit of a tensor": (flip, "is damaged"),
    "declares two gigabytes": (declares_much, "latest_net_G.pth"),
    "a training state": (a_state, "holds no network weights"),
}  # fmt: skip


def of(flags: list[str], **made_with: Any) -> Callable[[Path], Callable[[], Any]]:
    """Weights made with other flags than the test is given."""

    def make(folder: Path):
        weights(folder, **made_with)
        write_images(folder / "given", 1, 12, 12)
        return lambda: translate(folder, *flags)

    return make


MISFITS = {
    "of other widths": (of(["--ngf", "2"], ngf=3), "--ngf 3 (not 2)"),
    "of another generator": (of(["--netG", "unet_64"]), "--netG resnet_6blocks (not unet_64)"),
    "of other channels": (of(["--input_nc", "1"]), "--input_nc 3 (not 1)"),
    "of another normalization": (of(["--norm", "instance"], norm="batch"), "--norm batch"),
    "of another epoch": (of(["--epoch", "7"]), "found latest_net_G.pth: check --epoch"),
    "of another model": (of(["--model", "cycle_gan"]), "check --epoch, --load_iter, --model"),
}


KINDS = [
    *(BadInput("weights", name, saved(content), says) for name, (content, says) in SAVED.items()),
    *(BadInput("weights", name, damaged(change), says) for name, (change, says) in DAMAGED.items()),
    *(BadInput("weights", name, make, says) for name, (make, says) in MISFITS.items()),
]  # fmt: skip
