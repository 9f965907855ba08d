"""What the real package wandb has written while it was offline."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # it takes seconds to import
    from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768  # of LevelDB's log format, in which wandb writes its records


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """wandb keeps to itself, and to this test's folder."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    _confined(tmp_path, monkeypatch)
    yield
    _end()


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """wandb has no login, and a server that nobody runs."""
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    _confined(tmp_path, monkeypatch)
    yield
    _end()


def _confined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(folder / "wandb_home"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CONSOLE", "off")


def _end() -> None:
    import wandb

    wandb.teardown()


def parts(folder: Path) -> list[list[Record]]:
    """The records of every start of the run in this folder, oldest first."""
    _end()  # which waits until all is written
    from wandb.proto.wandb_internal_pb2 import Record

    files = sorted(folder.glob("wandb/*run-*/*.wandb"))
    return [[Record.FromString(entry) for entry in _entries(file.read_bytes())] for file in files]


def history(records: list[Record]) -> list[dict[str, Any]]:
    """What was logged, step by step."""
    steps = []
    for record in records:
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            values = {".".join(i.nested_key) or i.key: json.loads(i.value_json) for i in items}
            steps.append(values)
    return steps


def config(records: list[Record]) -> dict[str, Any]:
    """The settings of the run."""
    return {
        update.key or update.nested_key[0]: json.loads(update.value_json)
        for record in records
        if record.WhichOneof("record_type") == "run"
        for update in record.run.config.update
    }


def _entries(log: bytes) -> Iterator[bytes]:
    position, entry = 7, b""  # behind the file's own header
    while position + 7 <= len(log):
        if BLOCK - position % BLOCK < 7:
            position += BLOCK - position % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", log, position)
        entry += log[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield entry
            entry = b""
