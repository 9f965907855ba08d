"""Commands in a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from conftest import SMALL_TRAINING
from runs import ROOT

COLOUR = re.compile(r"\x1b\[[\d;]*m")
CODES = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def line(root: Path, out: Path, *flags: str) -> list[str]:
    """A small training's command line."""
    where = ["--dataroot", str(root), "--checkpoints_dir", str(out), "--name", "run"]
    model = ["--model", "pix2pix", "--netG", "resnet_6blocks"]
    return [sys.executable, str(ROOT / "train.py"), *where, *model, *SMALL_TRAINING, *flags]


def on_a_terminal(
    command: list[str], *, interrupt_at: str = "", **variables: str
) -> tuple[int, str]:
    """Exit status and all that a terminal of 100 columns is sent; Ctrl-C is typed once the text has appeared."""
    import fcntl
    import pty
    import termios

    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=_environment(variables),
        start_new_session=True, preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(terminal)
    shown, typed = b"", not interrupt_at
    try:
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux: nobody has it open any more
                break
            if not part:
                break
            shown += part
            if not typed and interrupt_at.encode() in shown:
                os.write(main, b"\x03")
                typed = True
        return process.wait(30), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(main)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it


def in_a_pipe(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=_environment(variables)
    )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**kept, "TERM": "xterm", "OMP_NUM_THREADS": "1", **variables}


def lines(shown: str) -> list[str]:
    """What stands on a terminal's lines in the end, without colours."""
    final = []
    for text in shown.replace("\r\n", "\n").split("\n"):
        rest = ""
        for part in CODES.sub("", text).split("\r"):  # each goes on from the first column
            rest = part + rest[len(part) :]
        final.append(rest.rstrip())
    return final
