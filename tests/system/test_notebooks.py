"""The notebooks run from top to bottom, on the real data set, with SHORT=1."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.usefixtures("warm")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ("pix2pix.ipynb", "CycleGAN.ipynb")
PARTS = ("data", "models", "options", "scripts", "util", "train.py", "test.py", *NOTEBOOKS)

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project, with the data set."""
    copy = tmp_path_factory.mktemp("project")
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, copy / part)
    shutil.copytree(ROOT / "datasets/sources", copy / "datasets/sources")
    shutil.copy(ROOT / "datasets/prepare.py", copy / "datasets/prepare.py")
    line = [sys.executable, "datasets/prepare.py", "relief2topo"]
    fetched = subprocess.run(line, cwd=copy, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"the data set cannot be made here: {fetched.stderr.strip()[-300:]}")
    return copy


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(project, name, warm) -> None:
    startup = project / "ipython/profile_default/startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "python.py").write_text(f"import sys; sys.executable = {warm!r}")
    env = {**os.environ, "SHORT": "1", "OMP_NUM_THREADS": "1"}
    env["IPYTHONDIR"] = str(project / "ipython")
    line = [sys.executable, "-c", EXECUTE, name]  # event loops of its own would stay behind here
    done = subprocess.run(
        line, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=390
    )
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(project / name, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    text = "".join(output.get("text", "") for output in outputs)
    assert len(pictures) >= 3 + 1 + 9 + 2  # data, curves, results, one translation
    assert "which to use?" in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name) -> None:
    notebook = nbformat.read(ROOT / name, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
