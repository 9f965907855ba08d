"""The project is used from its folder: what would install it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("how", [[], ["--editable"]])
def test_pip_install_says_how_the_project_is_used(how: list[str], tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "site")]
    # Without what make tells pip: a path that begins at the project's folder.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    done = subprocess.run(
        [*pip, *how, str(ROOT)], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode != 0
    assert "used from its folder, not installed: run `pip install -r requirements.txt`" in (
        done.stdout + done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "site").exists()
