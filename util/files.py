"""Writing files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from util.errors import InputError

LEFTOVER = re.compile(r"\..+\.(\d+)\.tmp")  # what `replacing` writes to; the number is the process


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Opens a file to write that takes the place of `path` when the block ends without an error.

    Args:
        lasting: whether a power cut must not take it back, for which the disk is waited for.
    Raises: InputError when the disk refuses; `path` is then as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.replace(beside, path)
        if lasting:
            _flush_folder(path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # a read-only folder has nothing to remove
            beside.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Makes a renaming outlast a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folder: Path) -> None:
    """Removes what processes that were killed while writing have left behind."""
    for file in folder.glob(".*.tmp"):
        match = LEFTOVER.fullmatch(file.name)
        with suppress(OSError):
            if match and _is_abandoned(int(match[1]), file):
                file.unlink()


def _is_abandoned(process: int, file: Path) -> bool:
    if os.name != "posix":
        return time.time() - file.stat().st_mtime > 3600
    return process == os.getpid() or not is_running(process)


def is_running(process: int) -> bool:
    """Tells whether a process of this machine lives; where asking by signal 0 would end it, it counts as running."""
    try:
        if os.name == "posix":
            os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user
        pass
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; {} where the file is missing, cannot be read or holds something different."""
    with suppress(OSError, ValueError, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def sha256_of(path: Path) -> str:
    """Computes a file's checksum, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def replace_folder(new: Path, target: Path) -> None:
    """Renames a folder to target, in place of what is there, which comes back where that fails.

    Raises: OSError.
    """
    aside = target.with_name(f".{target.name}.replaced")
    moved = target.exists()
    if moved:
        if aside.exists():
            shutil.rmtree(aside)  # left by a run that was killed when it had its new target
        target.rename(aside)
    try:
        new.rename(target)
    except BaseException:
        if moved:
            aside.rename(target)
        raise
    if moved:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Replaces the file's content at once."""
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))  # names may be no text


def make_folder(path: Path) -> Path:
    """Makes a folder if it is missing, and returns it. Raises: InputError when that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}") from None
    except ValueError as error:  # a null character
        raise InputError(f"cannot make the folder {str(path)!r}: {error}") from None
    return path
