"""Standard output and error that are closed, full or no longer read cost no traceback, in any script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SMALL_TRAINING
from helpers.words import words

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in (ROOT, ROOT / "scripts", ROOT / "datasets")
    for path in folder.glob("*.py")
)
# What stands after a command in a shell -> the exit status of --help.
REDIRECTIONS = {
    ">&-": 0,
    "2>&-": 0,
    ">&- 2>&-": 0,
    "<&- >&- 2>&-": 0,
    "2>/dev/full": 0,
    ">/dev/full": 1,
    ">/dev/full 2>/dev/full": 1,
}


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("script", "redirection"),
    [
        *(("train.py", redirection) for redirection in REDIRECTIONS),
        *((script, ">/dev/full") for script in SCRIPTS),
    ],
)
def test_help_where_output_cannot_be_written(script: str, redirection: str) -> None:
    done = shell(f"{sys.executable} {script} --help {redirection}")
    assert done.returncode == REDIRECTIONS[redirection]
    full = redirection == ">/dev/full"
    message = "error: standard output could not be written: No space left on device\n"
    assert done.stderr == (message if full else "")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = shell(f"{sys.executable} datasets/prepare.py --list | head -1")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_whose_output_is_full_goes_on_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from util.errors import run_command\n"
        "def main(argv):\n"
        "    for i in range(1000):\n"
        "        print('a line', flush=i % 2)\n"
        f"    open({str(tmp_path / 'done')!r}, 'w').close()\n"
        "    return 0\n"
        "run_command(main)\n"
    )
    done = shell(f"{sys.executable} {tmp_path}/script.py >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output could not be written: ")
    assert (tmp_path / "done").exists()


def test_user_errors_print_one_message_and_no_traceback(paired, tmp_path) -> None:
    line = words("--dataroot", tmp_path / "nowhere", "--name n", *SMALL_TRAINING)
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *line, "--model", "pix2pix", "--netG", "resnet_6blocks"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no folder")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "checkpoints").exists()


def test_a_data_root_that_is_not_there_is_told_before_pytorch_is_imported(tmp_path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('imported')")
    (tmp_path / "facades").mkdir()
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--dataroot", "facade", "--name", "n"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "error: there is no folder facade (did you mean facades?): check --dataroot\n"
    )


def test_what_a_message_quotes_from_a_file_is_no_command_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        f"import logging, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from util.errors import InputError, run_command\n"
        "from util.terminal import show_notes\n"
        "def main(argv):\n"
        "    show_notes()\n"
        "    logging.warning('found \\x1b[2J')\n"
        "    raise InputError('found \\x1b]0;title\\x07')\n"
        "run_command(main)\n"
    )
    done = shell(f"{sys.executable} {tmp_path}/script.py")
    assert done.stderr == "note: found \\x1b[2J\nerror: found \\x1b]0;title\\x07\n"
