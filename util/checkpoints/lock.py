"""One training at a time in a run's folder, by a lock that ends with the process that holds it."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from util.errors import InputError
from util.files import is_running, make_folder, read_json

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_FILE = ".lock"
# What systems say when another process has the lock, and where a disk knows no locks.
TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
PATIENCE = 10.0  # seconds in which a holder that was killed may still be ending


_HELD: set[IO[bytes]] = set()


def _let_go() -> None:
    """Closes what a forked process shares: loaders may outlive training by a moment, and must not keep it locked."""
    while _HELD:
        _HELD.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class RunLock:
    """The right to write into a run's folder; as a context it gives the right back.

    The kernel releases it when the process ends, however it ends, so that no kill leaves a run locked. It holds among
    machines that share the folder as far as their file system passes locks on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Takes the lock. Raises: InputError when another process trains this run, or the folder refuses."""
        until = time.monotonic() + PATIENCE
        while not (file := self._open_and_lock()):
            holder = read_json(self.folder / LOCK_FILE)
            if _is_running(holder) or time.monotonic() > until:
                raise InputError(
                    f"{self.folder} is being trained {_words(holder)}: two trainings at once would overwrite each "
                    "other's files. Wait until it ends, stop it, or choose another --name"
                )
            time.sleep(0.1)
        own = {"process": os.getpid(), "machine": socket.gethostname()}
        with suppress(OSError):  # a full disk; the lock holds all the same
            Path(file.name).write_text(json.dumps(own))
        self._file = file
        _HELD.add(file)

    def _open_and_lock(self) -> IO[bytes] | None:
        path = make_folder(self.folder) / LOCK_FILE
        try:
            with open(path, "ab"):
                pass
            # Open for reading alone, so that the disk can become read-only.
            file: IO[bytes] = open(path, "rb")  # noqa: SIM115 (it is closed by `release`)
            locked = _lock(file)
            if locked is None:
                file.close()
                file = open(path, "a+b")  # noqa: SIM115
                locked = _lock(file)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None
        # A holder that has just ended removes the file, and a lock on what is removed is none.
        if locked and _is_file(file, path):
            return file
        file.close()
        return None

    def release(self) -> None:
        """Gives the lock back, and leaves no empty folder."""
        file, self._file = self._file, None
        if file is None or file.closed:  # closed: in a forked process
            return
        _HELD.discard(file)
        with suppress(OSError):  # Windows removes no open file
            os.unlink(file.name)
        file.close()
        with suppress(OSError):
            self.folder.rmdir()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def _lock(file: IO[bytes]) -> bool | None:
    """Tries to lock the file; False when another process has it, None when it must be open for writing, as on NFS.

    Disks that know no locks are warned about.
    """
    try:
        if sys.platform == "win32":
            file.seek(1 << 20)  # a byte behind the text, which others may then read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        if error.errno == errno.EBADF and not file.writable():
            return None
        logging.getLogger(__name__).warning(
            "%s cannot be locked (%s): see to it that no other training writes there",
            file.name,
            error.strerror,
        )
    return True


def _is_file(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except OSError:
        return False


def _is_running(holder: dict[str, Any]) -> bool:
    """Tells whether the holder is known to be at work: False for one of this machine that is gone."""
    process = holder.get("process")
    if holder.get("machine") != socket.gethostname() or not isinstance(process, int):
        return bool(holder)
    return is_running(process)


def _words(holder: dict[str, Any]) -> str:
    if not holder:
        return "by another process"
    return f"by process {holder.get('process')} on {holder.get('machine')}"
