"""A file over https into a .part beside its target: resumed where it was cut, with retries and time limits."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import shutil
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import IO

CHUNK = 1 << 18  # bytes per read at most
PASSING = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
PASSING_STATUS = (408, 429, 500, 502, 503, 504)


class FetchError(Exception):
    """The server did not give the file."""


def fetch(url: str, part: Path, *, retries: int, timeout: float, pause: float = 1.0) -> None:
    """Completes part; a .json beside it keeps ETag or date, to notice that the file has changed.

    Args:
        retries: attempts after one that made no progress.
        timeout: seconds without a byte.
        pause: seconds before the first new attempt, doubled before each further one.
    Raises: FetchError; OSError if the disk is full or cannot be written.
    """
    attempts, failures, most = 0, 0, size_of(part)
    while True:
        attempts += 1
        try:
            fetch_once(url, part, timeout)
            return
        except PASSING as error:
            failures = failures + 1 if size_of(part) <= most else 1
            most = max(most, size_of(part))
            if is_final(error) or failures > retries:
                times = f", {attempts} times" if attempts > 1 else ""
                raise FetchError(in_words(error, timeout) + times) from error
            time.sleep(pause * 2 ** (failures - 1))


def fetch_once(url: str, part: Path, timeout: float) -> None:
    """One request, for what part lacks if the server still has the same file."""
    have, validator = state_of(part, url)
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", validator)
    try:
        response = urllib.request.build_opener(_SafeRedirect).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not have:
            raise
        if goes_on(error.headers, validator, f"bytes */{have}"):
            return  # it was complete
        notes_of(part).unlink()
        fetch_once(url, part, timeout)
        return
    with response:
        start = have if response.status == 206 else 0
        if start and not goes_on(response.headers, validator, f"bytes {have}-"):
            notes_of(part).unlink()
            fetch_once(url, part, timeout)
            return
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total and total - start > shutil.disk_usage(part.parent).free:
            raise OSError(errno.ENOSPC, f"no room for {total / 1e6:.1f} MB", str(part.parent))
        with open(part, "ab" if start else "wb") as file:
            if not start:  # only now that part is empty: the two must never disagree
                state = {"url": url, "validator": validator_in(response.headers)}
                notes_of(part).write_text(json.dumps(state))
            with progress_line(part.stem, start, total) as show:
                size = start
                while chunk := response.read1(CHUNK):
                    file.write(chunk)
                    size += len(chunk)
                    show(size)
    if total is not None and size != total:
        raise ConnectionError(f"the connection closed after {size} of {total} bytes")


def size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def notes_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def forget(part: Path) -> None:
    """Removes an unfinished download."""
    part.unlink(missing_ok=True)
    notes_of(part).unlink(missing_ok=True)


def state_of(part: Path, url: str | None = None) -> tuple[int, str]:
    """Bytes to go on from, and the validator of the file they belong to; (0, "") for none."""
    try:
        notes = json.loads(notes_of(part).read_text())
        if notes["validator"] and url in (None, notes["url"]):
            return size_of(part), notes["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


def kept(part: Path) -> str:
    """A line about what there is to go on from; empty for nothing."""
    size = state_of(part)[0]
    here = f"{size / 1e6:.1f} MB are kept in {part}: the same command goes on from there"
    return here if size else ""


def validator_in(headers: Message) -> str:
    """What If-Range takes: a strong ETag, else the date, else nothing."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def goes_on(headers: Message, validator: str, content_range: str) -> bool:
    """Whether an answer has the same file, right place; some servers ignore If-Range."""
    same = validator_in(headers) in ("", validator)
    return same and headers.get("Content-Range", "").startswith(content_range)


class _SafeRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        allowed = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.startswith(allowed):
            raise urllib.error.HTTPError(newurl, code, f"and sends us on to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_final(error: Exception) -> bool:
    """Whether trying again is useless."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code not in PASSING_STATUS
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        return reason.errno != socket.EAI_AGAIN
    return isinstance(reason, (ssl.SSLCertVerificationError, http.client.InvalidURL))


def in_words(error: Exception, timeout: float) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        return f"the server's name was not found ({reason.strerror})"
    if isinstance(reason, ssl.SSLError):
        return f"no safe connection ({reason})"
    if isinstance(reason, TimeoutError):
        return f"the server was silent for {timeout:g} seconds"
    return f"no connection ({reason})" if isinstance(error, urllib.error.URLError) else str(reason)


@contextlib.contextmanager
def progress_line(name: str, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A function of the size so far that keeps a line of the terminal up to date, or is quiet."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    begun = shown = time.monotonic()

    def show(size: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < 0.2 and size != total:
            return
        shown = now
        share = f" of {total / 1e6:.1f} MB, {size / total:.0%}" if total else " MB"
        rate = (size - start) / max(now - begun, 1e-3) / 1e6
        line = f"\r{name}: {size / 1e6:.1f}{share}, {rate:.1f} MB/s "
        print(line, end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(file=sys.stderr)
