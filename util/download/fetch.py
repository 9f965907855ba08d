"""A file over https into a .part beside its target: resumed where it was cut, with retries and time limits."""

from __future__ import annotations

import errno
import json
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3
from tqdm import tqdm

# Bytes per read: what a server that falls silent has sent of the next ones is lost.
CHUNK = 1 << 14
PASSING_STATUS = (408, 429, 500, 502, 503, 504)


class FetchError(Exception):
    """The server did not give the file."""


class CutError(Exception):
    """The connection closed before the end of the file."""


def fetch(url: str, part: Path, *, retries: int, timeout: float, pause: float = 1.0) -> None:
    """Completes part; a .json beside it keeps ETag or date, to notice that the file has changed.

    Args:
        retries: attempts after one that made no progress.
        timeout: seconds without a byte.
        pause: seconds before the first new attempt, doubled before each further one.
    Raises: FetchError; OSError if the disk is full or cannot be written.
    """
    attempts, failures, most = 0, 0, size_of(part)
    with _Session() as session:
        while True:
            attempts += 1
            try:
                fetch_once(session, url, part, timeout)
                return
            except (requests.RequestException, urllib3.exceptions.HTTPError, CutError) as error:
                failures = failures + 1 if size_of(part) <= most else 1
                most = max(most, size_of(part))
                reason, final = in_words(error, timeout)
                if final or failures > retries:
                    times = f", {attempts} times" if attempts > 1 else ""
                    raise FetchError(reason + times) from error
                time.sleep(pause * 2 ** (failures - 1))


def fetch_once(session: requests.Session, url: str, part: Path, timeout: float) -> None:
    """Makes one request, for what part lacks if the server still has the same file."""
    have, validator = state_of(part, url)
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have else {}
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        # Is what part holds the beginning of this answer's file?
        if have and response.status_code in (206, 416):
            complete = response.status_code == 416
            if goes_on(response.headers, validator, f"bytes {'*/' if complete else ''}{have}"):
                if complete:
                    return
            else:
                notes_of(part).unlink()
                fetch_once(session, url, part, timeout)
                return
        response.raise_for_status()
        start = have if response.status_code == 206 else 0

        # Is there room for it?
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total and total - start > shutil.disk_usage(part.parent).free:
            raise OSError(errno.ENOSPC, f"no room for {total / 1e6:.1f} MB", str(part.parent))

        # Write it.
        with open(part, "ab" if start else "wb") as file:
            if not start:  # only now that part is empty: the two must never disagree
                state = {"url": url, "validator": validator_in(response.headers)}
                notes_of(part).write_text(json.dumps(state))
            response.raw.enforce_content_length = False  # its size is compared below
            bar = {"initial": start, "total": total, "unit": "B", "unit_scale": True}
            with tqdm(**bar, desc=part.stem, disable=not sys.stderr.isatty()) as progress:
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    file.write(chunk)
                    progress.update(len(chunk))
                size = file.tell()
    if total is not None and size != total:
        raise CutError(f"the connection closed after {size} of {total} bytes")


class _Session(requests.Session):
    """Asks for files as they are, and follows no redirect from https to anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["Accept-Encoding"] = "identity"

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        allowed = ("https://",) if resp.url.startswith("https://") else ("https://", "http://")
        if target and not (address := urljoin(resp.url, target)).startswith(allowed):
            raise FetchError(f"the server answered {resp.status_code} and sends us on to {address}")
        return target


def size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def notes_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def forget(part: Path) -> None:
    """Removes an unfinished download."""
    part.unlink(missing_ok=True)
    notes_of(part).unlink(missing_ok=True)


def state_of(part: Path, url: str | None = None) -> tuple[int, str]:
    """Reads the number of bytes to go on from, and the validator of the file they belong to; (0, "") for none."""
    try:
        notes = json.loads(notes_of(part).read_text())
        if notes["validator"] and url in (None, notes["url"]):
            return size_of(part), notes["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


def kept(part: Path) -> str:
    """Words what there is to go on from; empty for nothing."""
    size = state_of(part)[0]
    here = f"{size / 1e6:.1f} MB are kept in {part}: the same command continues from there"
    return here if size else ""


def validator_in(headers: Mapping[str, str]) -> str:
    """Finds what If-Range takes: a strong ETag, else the date, else nothing."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def goes_on(headers: Mapping[str, str], validator: str, content_range: str) -> bool:
    """Tells whether an answer has the same file, right place; some servers ignore If-Range."""
    same = validator_in(headers) in ("", validator)
    return same and headers.get("Content-Range", "").startswith(content_range)


def in_words(error: Exception, timeout: float) -> tuple[str, bool]:
    """Words the reason of a failure, and whether trying again is useless."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        reason = f"the server answered {status} {error.response.reason}"
        return reason, status not in PASSING_STATUS
    if isinstance(cause, TimeoutError):
        return f"the server was silent for {timeout:g} seconds", False
    if isinstance(cause, socket.gaierror):
        reason = f"the server's name was not found ({cause.strerror})"
        return reason, cause.errno != socket.EAI_AGAIN
    if isinstance(error, requests.exceptions.SSLError):
        return f"no safe connection ({cause})", "CERTIFICATE" in str(cause)
    if isinstance(error, requests.ConnectionError):
        return f"no connection ({getattr(cause, 'strerror', None) or cause})", False
    return str(error), isinstance(error, ValueError)  # an address that requests does not take
