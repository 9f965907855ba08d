"""Trainings in a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import select
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from conftest import SMALL_TRAINING
from torture.runs import server

import train
from util.errors import run_command

COLOUR = re.compile(r"\x1b\[[\d;]*m")
CODES = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def line(root: Path, out: Path, *flags: str) -> list[str]:
    """A small training's command line, without python train.py."""
    where = ["--dataroot", str(root), "--checkpoints_dir", str(out), "--name", "run"]
    model = ["--model", "pix2pix", "--netG", "resnet_6blocks"]
    return [*where, *model, *SMALL_TRAINING, *flags]


def on_a_terminal(
    words: list[str], *, columns: int = 80, interrupt_at: str = "", **variables: str
) -> tuple[int, str]:
    """Exit status and all that a terminal is sent; Ctrl-C is typed once the text has appeared."""
    import fcntl
    import pty
    import termios

    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    name = os.ttyname(terminal)
    process = server().Process(target=_train, args=(words, variables, name, name, True))
    process.start()
    shown, typed, closed = b"", not interrupt_at, False
    try:
        while process.is_alive() or select.select([main], [], [], 0)[0]:
            if not select.select([main], [], [], 0.1)[0]:
                continue
            shown += os.read(main, 65536)
            if not closed:
                os.close(terminal)  # the child has it open
                closed = True
            if not typed and interrupt_at.encode() in shown:
                os.write(main, b"\x03")
                typed = True
    except OSError:  # Linux: nobody has it open any more
        pass
    finally:
        process.join(30)
        process.kill()
        os.close(main)
    return process.exitcode, shown.decode()


def in_a_pipe(words: list[str], folder: Path) -> tuple[int, str, str]:
    """Exit status, standard output and errors, which go to files in the folder."""
    files = [folder / "stdout.txt", folder / "stderr.txt"]
    process = server().Process(target=_train, args=(words, {}, *map(str, files), False))
    process.start()
    process.join(60)
    return process.exitcode, *(file.read_bytes().decode() for file in files)


def _train(
    words: list[str], variables: Mapping[str, str], out: str, errors: str, own_terminal: bool
) -> None:
    """train.py as from a shell, in a process that has imported everything already."""
    if own_terminal:
        os.setsid()  # the terminal that is opened next is then its own, and Ctrl-C reaches it
    for number, path in enumerate(("/dev/null" if not own_terminal else out, out, errors)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w", 1) for number in (1, 2))
    os.environ.pop("NO_COLOR", None)
    os.environ.update({"TERM": "xterm", **variables})
    torch.set_num_threads(1)
    sys.argv = ["train.py", *words]
    run_command(train.main)


def lines(shown: str) -> list[str]:
    """What stands on a terminal's lines in the end, without colours."""
    final = []
    for text in shown.replace("\r\n", "\n").split("\n"):
        rest = ""
        for part in CODES.sub("", text).split("\r"):  # each goes on from the first column
            rest = part + rest[len(part) :]
        final.append(rest.rstrip())
    return final
