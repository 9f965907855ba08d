"""options.json: damaged, of other content, edited by hand; read by a test, by --continue_train and --options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import write_images

import train
from bad_inputs import commands
from bad_inputs.commands import pairs, train_run, translate, weights
from bad_inputs.kind import BadInput


def flags(**values: Any) -> bytes:
    return json.dumps({"flags": values}).encode()


NOT_READ: dict[str, tuple[bytes | None, str]] = {
    "empty": (b"", "is not valid JSON"),
    "truncated": (flags(ngf=1, netG="resnet_6blocks")[:-9], "is not valid JSON"),
    "text": (b"hello", "is not valid JSON"),
    "zeros": (bytes(99), "is not valid JSON"),
    "a list": (b"[]", "is not an options file"),
    "a number": (b"3", "is not an options file"),
    "null": (b"null", "is not an options file"),
    "flags are a list": (b'{"flags": []}', "is not an options file"),
    "without flags": (b"{}", "is not an options file"),
    "not UTF-8": (b'{"flags": {"name": "\xff\xfe"}}', "is not valid JSON"),
    "UTF-16": (flags(ngf=1).decode().encode("utf-16"), "is not valid JSON"),
    "a hundred thousand brackets": (b"[" * 100_000, "is not valid JSON"),
    "a nested dict a hundred thousand deep": (b'{"a":' * 100_000, "is not valid JSON"),
    "a number of five thousand digits": (
        b'{"flags": {"ngf": ' + b"9" * 5000 + b"}}",
        "options.json",
    ),
    "a folder": (None, "cannot read"),
    "flags twice": (b'{"flags": {"ngf": 7, "ngf": 1}}', "gives 'ngf' more than once"),
}
REFUSED: dict[str, dict[str, Any]] = {
    "ngf of text": {"ngf": "wide"},
    "ngf of a list": {"ngf": [1]},
    "ngf of null": {"ngf": None},
    "ngf true": {"ngf": True},
    "ngf of 1.5": {"ngf": 1.5},
    "ngf negative": {"ngf": -1},
    "ngf huge": {"ngf": 10**300},
    "netG unknown": {"netG": "resnet_0blocks"},
    "netG of a number": {"netG": 9},
    "norm unknown": {"norm": "layer"},
    "norm of a dict": {"norm": {"a": 1}},
    "input_nc 0": {"input_nc": 0},
}
REFUSED_IN_TRAINING: dict[str, dict[str, Any]] = {
    "model unknown": {"model": "../../etc"},
    "model of a number": {"model": 5},
    "data set of a list": {"dataset_mode": ["aligned"]},
    "lr NaN": {"lr": float("nan")},
    "lr infinite": {"lr": float("inf")},
    "lr of text": {"lr": "0.1"},
    "load_size of text": {"load_size": "286"},
    "direction unknown": {"direction": "AtoC"},
    "max_dataset_size of text": {"max_dataset_size": "many"},
    "gpu_ids of a list": {"gpu_ids": [0]},
}
TAKEN: dict[str, bytes] = {
    "unknown flags": flags(new_flag=3, another={"a": []}, ngf=1),
    "unknown parts": json.dumps({"flags": {}, "version": 99}).encode(),
    "no flags at all": flags(),
    "a byte order mark": b"\xef\xbb\xbf" + flags(ngf=1),
    "of another program's model": flags(isTrain=True, ngf=1, checkpoints_dir=7, name=[]),
}


def put(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)


def in_a_test(content: bytes | None) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        weights(folder)
        write_images(folder / "given", 1, 12, 12)
        put(folder / "checkpoints/run/options.json", content)
        return lambda: translate(folder)

    return make


def in_continuing(content: bytes | None) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path):
        weights(folder, use_dropout=True)
        pairs(folder)
        put(folder / "checkpoints/run/options.json", content)
        return lambda: train_run(folder, "--continue_train")

    return make


def as_file(content: bytes | None) -> Callable[[Path], Callable[[], Any]]:
    """--options FILE, with no flags but it and the places."""

    def make(folder: Path):
        pairs(folder)
        put(folder / "options.json", content)
        return lambda: bare_training(folder, "--options", str(folder / "options.json"))

    return make


def bare_training(folder: Path, *words: str) -> int:
    return train.main([*commands.words(folder, None, "run"), *words])


def kinds(where: str, make: Callable[[bytes | None], Any]) -> list[BadInput]:
    return [
        BadInput("options", f"{where}: {k}", make(c), says) for k, (c, says) in NOT_READ.items()
    ]


def edited(where: str, make: Callable[[bytes], Any], cases: dict[str, Any]) -> list[BadInput]:
    return [
        BadInput("options", f"{where}: {k}", make(flags(**v)), next(iter(v)))
        for k, v in cases.items()
    ]


KINDS = [
    *kinds("in a test", in_a_test),
    *kinds("in continuing", in_continuing),
    *kinds("--options", as_file),
    *edited("in a test", in_a_test, {**REFUSED}),
    *edited("--options", as_file, {**REFUSED, **REFUSED_IN_TRAINING}),
    *(BadInput("options", f"in a test: {k}", in_a_test(c)) for k, c in TAKEN.items()),
    *(BadInput("options", f"in continuing: {k}", in_continuing(c)) for k, c in TAKEN.items()),
]
