"""Downloads the data sets and the trained generators of the CycleGAN and pix2pix papers.

    python util/download cyclegan_dataset horse2zebra
    python util/download pix2pix_model facades_label2photo --base_url https://mirror.example.org

A download that was cut goes on where it stopped; nothing is unpacked or loaded unchecked.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from options.wording import count
from util.download.fetch import FetchError, fetch, forget, kept
from util.download.published import CITYSCAPES, KINDS
from util.download.unpack import ArchiveError, unpack
from util.errors import InputError
from util.files import replacing, sha256_of

ROOT = Path(__file__).resolve().parents[2]
BASE_URL = "https://efrosgans.eecs.berkeley.edu"
BASE_URL_VARIABLE = "IMG2IMG_DOWNLOAD_URL"


class UnknownName(InputError):
    """No data set or model of that name; the message lists those that exist."""


def download(
    kind: str,
    name: str,
    *,
    out: str | Path | None = None,
    base_url: str | None = None,
    file: str | Path | None = None,
    sha256: str | None = None,
    force: bool = False,
    retries: int = 3,
    timeout: float = 30.0,
    say: Callable[[str], None] = print,
) -> Path:
    """Downloads a data set or weights, and returns their place; what is there already is left alone.

    Args:
        kind: a key of KINDS.
        out: folder to put it in; None is datasets/ or checkpoints/ of the repository.
        base_url: None is $IMG2IMG_DOWNLOAD_URL, and without that the papers' own server.
        file: an archive or .pth on this machine to use instead of downloading.
        force: replace what is there.
        retries: attempts after one that made no progress.
        timeout: seconds without a byte before an attempt counts as failed.
    Raises: UnknownName; InputError with what was tried, what happened and what to do.
    """
    if name == "cityscapes" and kind.endswith("_dataset"):
        raise InputError(CITYSCAPES)
    if name not in KINDS[kind].names:
        raise UnknownName(f"{name or 'NAME'} is not one of: {', '.join(KINDS[kind].names)}")
    if not 0 < timeout <= 1e6:  # NaN fails too, and a socket takes no infinity
        raise InputError(f"--timeout {timeout:g}: give the seconds to wait, for example 30")
    if file is not None and not Path(file).is_file():
        raise InputError(f"--file {file} is not a file on this machine")
    target, part = locate(kind, name, out)
    if not force and (any(target.iterdir()) if target.is_dir() else target.exists()):
        say(f"{target} is already there (--force replaces it)")
        return target

    url = f"{checked_base(base_url)}/{KINDS[kind].url.format(name)}"
    had_folder = part.parent.exists()
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        if file is not None:
            url = str(file)
            install(Path(file), target, sha256, say)
            return target
        with alone(part):
            say(f"downloading {url}")
            fetch(url, part, retries=retries, timeout=timeout)
            try:
                install(part, target, sha256, say)
            except ArchiveError:
                forget(part)  # going on from a bad file would not mend it
                raise
            forget(part)
    except (FetchError, ArchiveError, OSError) as error:
        raise InputError(failure(kind, name, url, part, error)) from error
    finally:
        if not had_folder:
            with contextlib.suppress(OSError):  # not empty: it holds what we came for
                part.parent.rmdir()
    return target


def checked_base(base_url: str | None) -> str:
    base_url = base_url or os.environ.get(BASE_URL_VARIABLE) or BASE_URL
    with contextlib.suppress(ValueError):
        address = urlsplit(base_url)
        if address.scheme in ("https", "http") and address.netloc and base_url.isascii():
            return base_url.rstrip("/")
    raise InputError(f"the base URL {base_url!r} is no address like {BASE_URL}")


def locate(kind: str, name: str, out: str | Path | None) -> tuple[Path, Path]:
    """Finds the folder or file that is wanted, and beside it the download as far as it is there."""
    spec = KINDS[kind]
    folder = ROOT / spec.folder if out is None else Path(out)
    target = (folder / spec.path.format(name)).resolve()  # a link to another disk is followed
    archive = target.name if target.suffix == ".pth" else Path(spec.url.format(name)).name
    return target, target.with_name(archive + ".part")


def install(source: Path, target: Path, sha256: str | None, say: Callable[[str], None]) -> None:
    """Checks source and unpacks it as, or copies it to, target. Raises: ArchiveError, OSError."""
    digest = sha256_of(source)
    if sha256 and digest != sha256.strip().lower():
        raise ArchiveError(f"its sha256 is {digest}, not {sha256}")
    say(f"sha256 {digest}")
    if target.suffix != ".pth":
        n_files = unpack(source, target)
        say(f"{count(n_files, 'file')} in {target}")
        return
    _check_weights(source)
    with open(source, "rb") as file, replacing(target) as copy:
        shutil.copyfileobj(file, copy)
    say(f"weights in {target}")


def _check_weights(source: Path) -> None:
    """Raises: ArchiveError unless the file holds a network's weights, whole, and nothing else."""
    # PyTorch takes seconds, which data sets need not wait for.
    from util.checkpoints.files import load_weights

    try:
        if not load_weights(source):
            raise ArchiveError(f"{source.name} holds no weights: it is empty")
    except InputError as error:
        raise ArchiveError(str(error)) from error


@contextlib.contextmanager
def alone(part: Path) -> Iterator[None]:
    """Keeps a second process from the same download; leaves no .part that is of no use."""
    with open(part, "ab") if fcntl else contextlib.nullcontext() as lock:
        if lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"another process is downloading {part}: wait for it") from None
            except OSError:
                pass  # a file system without locks
        try:
            yield
        finally:
            if not kept(part):
                forget(part)


def failure(kind: str, name: str, url: str, part: Path, error: Exception) -> str:
    """Words the whole message for an error of fetch or install."""
    reason, by_hand = str(error), part.with_suffix("")
    remedies = [
        f"use a mirror: --base_url URL, or the environment variable {BASE_URL_VARIABLE}",
        f"get the file by hand, say as {by_hand}, and run again with --file {by_hand}",
    ]
    if kind.endswith("_dataset"):
        remedies.append("take a prepared data set: python datasets/prepare.py --list")
    if isinstance(error, OSError):
        reason = f"{error.strerror or error}: {error.filename or part.parent}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cure = "make room on that disk" if full else "see that the file can be read or written"
        remedies = [f"{cure}, or name another folder with --out"]
    lines = [f"{name} is not there yet", f"  tried: {url}", f"  found: {reason}"]
    lines += [f"  {kept(part)}"] if kept(part) else []
    return "\n".join(lines) + "\n  to do: " + "\n     or: ".join(remedies)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="download.py", description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name", nargs="?", default="", help="left out: the names are listed")
    parser.add_argument("--out", help="folder to put it in; default datasets/ or checkpoints/ here")
    parser.add_argument(
        "--base_url", help=f"a mirror; default ${BASE_URL_VARIABLE}, then {BASE_URL}"
    )
    parser.add_argument("--file", help="archive or .pth on this machine, instead of downloading")
    parser.add_argument("--sha256", help="refuse a download with another checksum; default any")
    parser.add_argument("--force", action="store_true", help="replace what is there already")
    parser.add_argument("--retries", type=int, default=3, help="further attempts; 0 is none")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds without a byte")
    return parser


def main(argv: Sequence[str]) -> int:
    options = vars(build_parser().parse_args(argv))
    kind, name = options.pop("kind"), options.pop("name")
    try:
        download(kind, name, **options)
    except UnknownName as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted. {kept(locate(kind, name, options['out'])[1])}", file=sys.stderr)
        return 130
    return 0
