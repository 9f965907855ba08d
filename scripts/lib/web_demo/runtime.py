"""onnxruntime-web, which computes in the browser: fetched once by npm, checked by its hash, compressed beside the page."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

from util.download.packages import Package, fetched, read_members
from util.errors import InputError

PACKAGE = Package(
    client="npm",
    name="onnxruntime-web",
    version="1.30.0",
    file="onnxruntime-web-1.30.0.tgz",
    sha256="d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    megabytes=33,
    wanted=r"package/dist/(ort\.(wasm|webgpu)\.bundle\.min\.mjs|ort-wasm-simd-threaded(\.asyncify)?\.wasm)",
)
# As .js: some web servers do not know what .mjs is, and browsers then refuse it. The runtime without WebGPU is half as large.
NAMES = {
    "ort.wasm.bundle.min.mjs": "ort.wasm.js",
    "ort-wasm-simd-threaded.wasm": "ort.wasm.wasm.gz",
    "ort.webgpu.bundle.min.mjs": "ort.webgpu.js",
    "ort-wasm-simd-threaded.asyncify.wasm": "ort.webgpu.wasm.gz",
}


def runtime_files(cache: Path, webgpu: bool) -> dict[str, bytes]:
    """Returns file name -> content; *.gz is a quarter as large as the package's file, and the page unpacks it.

    Args:
        webgpu: with the runtime for graphics cards, next to the processor's.
    Raises: InputError when the package is not in the cache and cannot be fetched.
    """
    try:
        members = read_members(fetched(PACKAGE, cache), PACKAGE.wanted)
    except OSError as error:
        raise InputError(f"--cache {cache} cannot be used: {error}") from None
    files = {NAMES[name.rpartition("/")[2]]: content for name, content in members.items()}
    return {
        name: gzip.compress(content, 6, mtime=0) if name.endswith(".gz") else content
        for name, content in files.items()
        if webgpu or "webgpu" not in name
    }


def sizes_to_load(files: Mapping[str, bytes]) -> dict[str, int]:
    """Returns "wasm", and "webgpu" where it is there -> bytes of its compressed file."""
    return {name.split(".")[1]: len(files[name]) for name in files if name.endswith(".gz")}
