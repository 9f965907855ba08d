"""Groups of processes without torchrun: forked in no time, and with the environment that torchrun would give them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import write_images
from torture.runs import Run, server

from helpers.words import words

CYCLEGAN = words("--model cycle_gan --netG resnet_6blocks --num_threads 0")
PIX2PIX = words("--model pix2pix --netG resnet_6blocks --num_threads 0")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass(frozen=True)
class Place:
    """One process's place in a group; called in it before anything else."""

    rank: int
    size: int
    port: int
    more: Mapping[str, str] = field(default_factory=dict)  # environment
    timeout: float | None = None  # seconds

    def __call__(self) -> None:
        own = {"RANK": self.rank, "LOCAL_RANK": self.rank}
        group = {"WORLD_SIZE": self.size, "LOCAL_WORLD_SIZE": self.size, "MASTER_PORT": self.port}
        os.environ.update({name: str(value) for name, value in {**own, **group}.items()})
        os.environ.update({"MASTER_ADDR": "127.0.0.1", **self.more})
        if self.timeout:
            from datetime import timedelta

            from util.distributed import launch as processes

            processes.TIMEOUT = timedelta(seconds=self.timeout)


def places(size: int, **keywords: Any) -> list[Place]:
    port = free_port()
    return [Place(rank, size, port, **keywords) for rank in range(size)]


def trainings(folder: Path, words: list[str], size: int = 2, **keywords: Any) -> list[Run]:
    """One train.py for each process, with one folder of checkpoints."""
    return [
        Run(folder, words, place, log=folder.with_name(f"{folder.name}_{place.rank}.txt"))
        for place in places(size, **keywords)
    ]


def call_in_group(size: int, function: Callable[..., None], *arguments: Any) -> None:
    """Calls a function of a module's top level in so many processes, and waits for them."""
    processes = [
        server().Process(target=_in_place, args=(place, function, arguments))
        for place in places(size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        if process.exitcode is None:
            process.kill()
    assert [process.exitcode for process in processes] == [0] * size


def _in_place(place: Place, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    place()
    function(*arguments)


def finish(runs: list[Run], status: int = 0) -> None:
    for run in runs:
        assert run.wait() == status, run.tail()


@pytest.fixture(scope="module")
def group_data(tmp_path_factory) -> Path:
    """12 pairs; 12 and 9 unpaired images."""
    root = tmp_path_factory.mktemp("data")
    write_images(root / "train", 12, 32, 64)
    write_images(root / "trainA", 12, 32, 32)
    write_images(root / "trainB", 9, 32, 32, 100)
    return root
