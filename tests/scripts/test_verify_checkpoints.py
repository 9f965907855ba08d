"""scripts/verify_checkpoints.py finds damaged files, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.verify_checkpoints import main
from util.checkpoints import files as checkpoint
from util.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/latest_net_G.pth", "a/latest_state.pth", "b/latest_net_G.pth"):
        checkpoint.save(tmp_path / name, {"w": torch.rand(500)})
    return tmp_path


def test_whole_files_are_whole(folder, capsys) -> None:
    assert main([str(folder)]) == 0
    assert "3 files, all whole" in capsys.readouterr().out


def test_a_flipped_bit_is_found_and_its_file_named(folder, capsys) -> None:
    bad = folder / "a/latest_net_G.pth"
    content = bytearray(bad.read_bytes())
    content[len(content) // 2] ^= 1
    bad.write_bytes(content)
    assert main([str(folder)]) == 1
    out = capsys.readouterr().out
    assert f"BAD  {bad} is damaged" in out
    assert "3 files, 1 of them damaged" in out
    assert main([str(folder / "b")]) == 0


def test_files_without_checksums_are_said_to_have_none(tmp_path, capsys) -> None:
    path = tmp_path / "old.pth"
    torch.save({"w": torch.ones(3)}, path, _use_new_zipfile_serialization=False)
    assert main([str(path)]) == 0
    assert "have no checksums" in capsys.readouterr().out


def test_a_folder_without_checkpoints_is_a_mistake(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no \.pth files"):
        main([str(tmp_path)])
