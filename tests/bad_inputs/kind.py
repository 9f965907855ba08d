"""What a kind of bad input is, and trying one: what is run, how it ends, what is left on disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from util.errors import InputError

SECONDS = 20  # that one kind may take
MEGABYTES = 600  # by which it may raise the memory that the process ever had
LEFTOVERS = ("*.tmp", "*.part", "*.part.json", ".*.unpacking", ".*.replaced")


@dataclass(frozen=True)
class BadInput:
    """One kind.

    Attributes:
        make: writes files below an empty folder, and returns what to run with them.
        says: part of the message in which it must end; "" when it must work.
        check: complains, by an AssertionError, of what a run that worked has made of the folder.
    """

    group: str
    name: str
    make: Callable[[Path], Callable[[], Any]]
    says: str = ""
    check: Callable[[Path], None] = lambda folder: None

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


@dataclass
class Ended:
    """How a run ended.

    Attributes:
        how: message, works or traceback.
        lost: files that were there before and are gone or changed, or were left over.
        wrong: what must not be so; empty when all is well.
    """

    how: str
    text: str
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def tried(kind: BadInput, folder: Path) -> Ended:
    """Makes the files, runs the command, and judges."""
    run = kind.make(folder)
    before, memory, started = contents(folder), peak_megabytes(), time.perf_counter()
    ended = outcome(run)
    ended.seconds = time.perf_counter() - started
    ended.lost = losses(folder, before, ended.how)
    ended.wrong += [f"lost or left over: {name}" for name in ended.lost]
    wanted = "message" if kind.says else "works"
    if ended.how != wanted:
        ended.wrong.append(f"{ended.how} instead of {wanted}: {ended.text}")
    elif kind.says not in ended.text:
        ended.wrong.append(f"the message lacks {kind.says!r}: {ended.text}")
    elif not kind.says:
        try:
            kind.check(folder)
        except AssertionError as error:
            ended.wrong.append(f"works, but wrongly: {error or traceback.format_exc()}")
    if (grown := peak_megabytes() - memory) > MEGABYTES:
        ended.wrong.append(f"took {grown:.0f} MB of memory")
    return ended


def outcome(run: Callable[[], Any]) -> Ended:
    """Runs a command as `run_command` does, with what it prints caught."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said), alarm():
            status = run()
    except InputError as error:
        return Ended("message", str(error))
    except SystemExit as stop:
        how = {0: "works", 2: "message"}.get(stop.code, "traceback")  # 0: --help
        return Ended(how, said.getvalue())
    except BaseException:
        return Ended("traceback", traceback.format_exc())
    worked = status is None or status == 0 or not isinstance(status, int)
    return Ended("works" if worked else "message", said.getvalue())


@contextlib.contextmanager
def alarm() -> Iterator[None]:
    """Ends with a TimeoutError what hangs."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, str]:
    """Path below the folder -> kind and hash of everything in it; links are not followed."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode
            text = os.readlink(path) if stat.S_ISLNK(mode) else ""
            if stat.S_ISREG(mode):
                text = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            found[os.path.relpath(path, folder)] = f"{stat.S_IFMT(mode)} {text}"
    return found


def losses(folder: Path, before: dict[str, str], how: str) -> list[str]:
    """What is gone, changed or left over. A run that works may go on writing its own run and results."""
    after = contents(folder)
    own = ("checkpoints", "results") if how == "works" else ()
    lost = [
        name
        for name, content in before.items()
        if after.get(name) != content and not name.startswith(own)
    ]
    left = [str(p) for pattern in LEFTOVERS for p in folder.rglob(pattern)]
    return lost + [name for name in left if os.path.relpath(name, folder) not in before]


def peak_megabytes() -> float:
    """The most memory that this process ever had; 0 where it is not known."""
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
