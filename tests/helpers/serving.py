"""scripts/serve.py as a process of its own, and requests to it."""

from __future__ import annotations

import http.client
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from conftest import picture
from PIL import Image

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(checkpoints: Path, name: str, *flags: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """The process and its port; it is ended by SIGTERM."""
    words = ["--name", name, "--checkpoints_dir", str(checkpoints), "--port", "0"]
    command = [sys.executable, str(ROOT / "scripts/serve.py"), *words, "--device", "cpu", *flags]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    assert process.stdout
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if match := re.search(r"listening on http://\S+:(\d+)", line):
                break
        else:
            raise AssertionError("".join(lines))
        yield process, int(match[1])
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def png(height: int = 32, width: int = 32, seed: int = 1) -> tuple[np.ndarray, bytes]:
    """A picture, and its file."""
    array = picture(seed, height, width)
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return array, file.getvalue()


def ask(
    port: int, body: bytes, kind: str, path: str = "/translate", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    method = "POST" if path == "/translate" else "GET"
    connection.request(method, path, body or None, {"Content-Type": kind, **headers})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def detail(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {json.loads(answer[1])['detail']}"


def form(content: bytes, field: str = "image") -> tuple[bytes, str]:
    """Body and type of a form with a file."""
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="a.png"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def shown(answer: tuple[int, bytes]) -> np.ndarray:
    assert answer[0] == 200, answer[1][:300]
    return np.asarray(Image.open(io.BytesIO(answer[1])))
