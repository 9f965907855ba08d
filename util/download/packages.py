"""Packages that hold source pictures: fetched by pip or npm, checked, read but never installed."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from util.errors import InputError
from util.files import sha256_of


@dataclass(frozen=True)
class Package:
    """One file of a package index, pinned by its hash, so that everybody gets the same pictures."""

    client: str  # a key of CLIENTS
    name: str
    version: str
    file: str  # the name under which the client saves it
    sha256: str
    megabytes: float
    wanted: str  # regular expression that the whole name of a member to read matches

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def pip_command(package: Package, folder: str) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise InputError(
            f"{sys.executable} has no pip, which fetches {package}. "
            "Run 'python -m ensurepip', or use a Python that has pip."
        )
    # only-binary: the pinned hash is the wheel's, and a source package would run code of its own.
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    spec = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", *options, "--dest", folder, spec]


def npm_command(package: Package, folder: str) -> list[str]:
    npm = shutil.which("npm")  # the full path: on Windows it is npm.cmd
    if npm is None:
        raise InputError(
            f"npm was not found on PATH; it fetches {package}. "
            f"Install Node.js, which brings npm, or put the file {package.file} into the cache folder."
        )
    spec = f"{package.name}@{package.version}"
    return [npm, "pack", "--loglevel=error", "--pack-destination", folder, spec]


CLIENTS = {"pip": pip_command, "npm": npm_command}


def cached(package: Package, cache: Path) -> Path | None:
    """The package's file in the cache folder, or None if it is not there or its hash is wrong."""
    path = cache / package.file
    return path if path.is_file() and sha256_of(path) == package.sha256 else None


def download(package: Package, cache: Path) -> Path:
    """Fetch into the cache folder. A file with another hash is refused and not kept."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f".fetching-{os.getpid()}"  # in the cache: the last step is a mere rename
    command = CLIENTS[package.client](package, str(folder))
    try:
        folder.mkdir()
        run = subprocess.run(command, capture_output=True, text=True, errors="replace")
        found = folder / package.file
        if run.returncode != 0 or not found.is_file():
            saved = sorted(os.listdir(folder)) or "nothing"
            errors = re.findall(r"^(?:npm )?err.*", run.stderr, flags=re.MULTILINE | re.IGNORECASE)
            said = " | ".join(errors[:4]) or run.stderr.strip()[-300:] or "nothing"
            raise InputError(
                f"{package.client} could not fetch {package} (exit code {run.returncode}, saved "
                f"{saved}, wanted {package.file}). It said: {said}. Check the network and "
                f"{package.client}'s settings, or put that file into {cache} yourself."
            )
        if (digest := sha256_of(found)) != package.sha256:
            raise InputError(
                f"{package.file} has sha256 {digest}, expected {package.sha256}. It was thrown "
                f"away. Check from where {package.client} takes its packages, and try again."
            )
        return found.replace(cache / package.file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetched(package: Package, cache: Path) -> Path:
    """The package's file in the cache folder, downloaded if it is not there. Raises: InputError as `download`."""
    if path := cached(package, cache):
        return path
    print(f"Fetching {package} with {package.client}, {package.megabytes:g} MB.", flush=True)
    return download(package, cache)


def read_members(path: Path, wanted: str) -> dict[str, bytes]:
    """Contents of the plain files whose whole name matches; nothing is unpacked to disk."""
    matches = re.compile(wanted).fullmatch
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if matches(name)}
    contents = {}
    with tarfile.open(path) as tarball:
        for member in tarball:
            if member.isfile() and matches(member.name):
                content = tarball.extractfile(member)
                assert content is not None  # it is None for folders and devices only
                contents[member.name] = content.read()
    return contents
