"""The scripts, styles and fonts that visdom's page needs and its package leaves out.

Visdom fetches them when its server first starts, without a time limit, and dies if that fails. Here they come before
the server starts, and a failure costs only the page: the server still takes what it is sent.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from options.wording import count

# In a process of its own: it has no time limit, and one of its requests may raise anything.
VISDOM_DOWNLOAD = """
import socket, sys
sys.modules["torch"] = sys.modules["openTSNE"] = None  # optional, and seconds to import
socket.setdefaulttimeout(5)
from visdom.server.build import download_scripts
from options.wording import count
download_scripts(install_dir=sys.argv[1])
"""


def ensure_assets(static: Path, version: str, *, download_seconds: float = 20) -> str | None:
    """Fills visdom's folder `static` as far as can be. Several processes may do so at a time.

    Args:
        version: visdom's.
        download_seconds: time limit of visdom's own download; 0 skips it.
    Returns: None when the page will work, otherwise one line on why not and what to do.
    """
    if _is_complete(static, version):
        return None
    try:
        with _one_at_a_time(static / ".assets.lock"):
            if _is_complete(static, version):  # another process was faster
                return None
            _remove_those_of_another_version(static, version)
            if _missing(static) and download_seconds > 0:
                print("visdom's page needs 10 MB of scripts: fetching them, once.", flush=True)
                _download(static, download_seconds)
            if missing := _missing(static):
                return (
                    f"visdom's page will stay blank: {count(len(missing), 'file')}, such as {missing[0]}, "
                    "could not be downloaded. Start it once with internet access."
                )
            _write(static / "version.built", version.encode())
    except OSError as error:
        return (
            f"visdom's page will stay blank: its folder {static} cannot be filled ({error}). "
            "Start it once as the folder's owner."
        )
    return None


def _is_complete(static: Path, version: str) -> bool:
    built = static / "version.built"  # visdom's own mark
    return built.is_file() and built.read_text().strip() == version and not _missing(static)


def _missing(static: Path) -> list[str]:
    """Lists what visdom's pages refer to and the folder lacks."""
    return [url for url in _needed(static) if not (static / url).is_file()]


def _needed(static: Path) -> list[str]:
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(static.glob("*.html")))
    urls = dict.fromkeys(re.findall(r"""static_url\(["']([^"']+)["']\)""", pages))
    return [url for url in urls if not url.startswith("..")]


def _remove_those_of_another_version(static: Path, version: str) -> None:
    """Removes what an older visdom has downloaded: pip leaves it behind."""
    built = static / "version.built"
    if not built.is_file() or built.read_text().strip() == version:
        return
    with suppress(importlib.metadata.PackageNotFoundError):
        shipped = {Path(str(file.locate())) for file in importlib.metadata.files("visdom") or ()}
        for url in _needed(static):
            if static / url not in shipped:
                (static / url).unlink(missing_ok=True)
    built.unlink()


def _download(static: Path, seconds: float) -> None:
    """Takes over what visdom's own download gets, if that ends in time."""
    null = subprocess.DEVNULL
    with tempfile.TemporaryDirectory() as folder, suppress(subprocess.TimeoutExpired):
        command = [sys.executable, "-c", VISDOM_DOWNLOAD, folder]
        subprocess.run(command, timeout=seconds, stdin=null, stdout=null, stderr=null)
        downloaded = Path(folder) / "static"
        for path in downloaded.rglob("*.*"):
            content = b"" if path.is_dir() else path.read_bytes()
            # A proxy may have sent HTML in place of a script.
            is_page = path.suffix in {".js", ".css"} and content.lstrip().startswith(b"<")
            if content and not is_page and path.name != "version.built":
                _write(static / path.relative_to(downloaded), content)


def _write(path: Path, content: bytes) -> None:
    """Writes beside and renames: a server that is running never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Waits for others that fill the folder. Without such locks the work is only done twice."""
    with open(path, "ab") as file:
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # ends with the process, however that ends
        yield
