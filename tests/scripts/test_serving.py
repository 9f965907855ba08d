"""The HTTP server, a real process: what it answers, what it refuses, and how it ends."""

from __future__ import annotations

import base64
import http.client
import io
import json
import signal
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.serving import ask, detail, form, png, serving, shown
from PIL import Image

from models.inference.translator import load_translator
from scripts import serve
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def port(checkpoints: Path) -> Iterator[int]:
    flags = ("--max_megabytes", "0.1", "--max_megapixels", "0.1", "--timeout", "20")
    with serving(checkpoints, "plain", *flags) as (_, number):
        yield number


def test_a_form_json_and_a_bare_file_are_translated_as_python_does(port, checkpoints) -> None:
    array, content = png(36, 44)
    wanted = load_translator(checkpoints / "plain", device="cpu")(array)
    text = json.dumps({"image": base64.b64encode(content).decode()}).encode()
    for body, kind in (form(content), (text, "application/json"), (content, "image/png")):
        result = shown(ask(port, body, kind)).astype(int)
        assert result.shape == (36, 44, 3)
        assert np.abs(result - wanted).max() <= 1


def test_those_who_come_together_get_each_their_own(port, checkpoints) -> None:
    files = [png(32 + 4 * (i % 3), 32, seed=i) for i in range(24)]
    translate = load_translator(checkpoints / "plain", device="cpu")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda file: shown(ask(port, file[1], "image/png")), files))
    for (array, _), answer in zip(files, answers, strict=True):
        assert np.abs(answer.astype(int) - translate(array)).max() <= 1


def test_what_is_no_picture_is_refused_in_words(port) -> None:
    content = png()[1]
    for body, kind, words in (
        (b"garbage" * 99, "image/png", "400 this is no PNG, JPEG, WEBP or BMP file"),
        (content[:-40], "image/png", "400 this is no PNG, .* file that can be read .*truncated"),
        (b"{}", "application/json", "400 JSON has to be"),
        (b'{"image": "%%"}', "application/json", "400 JSON has to be"),
        (b"[" * 50_000, "application/json", "400 JSON has to be"),
        (*form(content, "photo"), "400 the form has no file in a field named image"),
        (b"no form", "multipart/form-data", "400 "),
        (content, "text/plain", "415 send a form, JSON, or an image"),
    ):
        assert_matches(words, detail(ask(port, body, kind)))
    shown(ask(port, content, "image/png"))


def assert_matches(pattern: str, text: str) -> None:
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(text)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(port) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))  # fmt: skip

    header = struct.pack(">IIBBBBB", 12_000, 7_000, 8, 2, 0, 0, 0)  # 252 MB once decoded
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 9))
    assert detail(ask(port, bomb, "image/png")).startswith("413 the image has 12000 x 7000 pixels")


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(port) -> None:
    head = "POST /translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    said = exchange(port, f"{head}Content-Length: 200000\r\n\r\n".encode())
    assert b" 413 " in said
    assert b"larger than 0.1 MB" in said
    pieces = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert b" 413 " in exchange(port, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + pieces * 7)  # fmt: skip


def exchange(port: int, content: bytes) -> bytes:
    """What a server answers to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(content)
        answer = b""
        while b"}" not in answer and (part := connection.recv(4096)):
            answer += part
        return answer


def test_it_tells_its_health_and_describes_itself(port) -> None:
    status, body = ask(port, b"", "", "/health")
    health = json.loads(body)
    assert (status, health["status"], health["name"]) == (200, "ok", "plain")
    described = json.loads(ask(port, b"", "", "/openapi.json")[1])["paths"]["/translate"]["post"]
    assert set(described["requestBody"]["content"]) == {"multipart/form-data", "application/json", "image/*"}  # fmt: skip
    assert "413" in described["responses"]


def test_probes_by_head_are_answered_and_docs_lead_to_the_page(port) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = {}
    for path in ("/", "/health", "/docs", "/page/nothing.js"):
        connection.request("HEAD" if path in ("/", "/health") else "GET", path)
        response = connection.getresponse()
        found[path] = (response.status, response.headers.get("location"))
        response.read()
    connection.close()
    assert found == {
        "/": (200, None),
        "/health": (200, None),
        "/docs": (307, "/#api"),
        "/page/nothing.js": (404, None),
    }


def test_only_this_machine_is_served_and_only_by_its_own_name(port) -> None:
    assert ask(port, b"", "", "/health", Host="elsewhere.example")[0] == 400
    with pytest.raises((ConnectionError, TimeoutError)):
        socket.create_connection(("127.0.0.2", port), timeout=1).close()


def test_a_request_that_does_not_come_is_not_waited_for(checkpoints) -> None:
    with serving(checkpoints, "plain", "--timeout", "1") as (_, port):
        head = "POST /translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        assert b" 408 " in exchange(port, f"{head}Content-Length: 900\r\n\r\nabc".encode())


def test_a_narrow_picture_counts_as_many_pixels_as_the_network_computes(port) -> None:
    answer = detail(ask(port, png(1, 30_000)[1], "image/png"))
    assert answer.startswith("413 the image has 30000 x 1 pixels, computed as 30000 x 4,")


def test_headers_that_do_not_come_are_not_waited_for(checkpoints) -> None:
    with serving(checkpoints, "plain", "--timeout", "1") as (_, port):
        for begun in (b"", b"POST /translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-"):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(begun)
                assert connection.recv(100) == b""
        shown(ask(port, png()[1], "image/png"))


def test_pages_of_other_sites_cannot_send_images(port) -> None:
    content = png()[1]
    refused = detail(ask(port, content, "image/png", Origin="https://elsewhere.example"))
    assert refused.startswith("403 pages of https://elsewhere.example may not send images here")
    shown(ask(port, content, "image/png", Origin=f"http://127.0.0.1:{port}"))


def test_a_client_that_goes_away_leaves_no_trace(checkpoints) -> None:
    with serving(checkpoints, "plain") as (process, port):
        head = "POST /translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: 900\r\n\r\nabc".encode())
        shown(ask(port, png()[1], "image/png"))
        process.terminate()
        assert "Traceback" not in process.stdout.read()


def test_when_it_is_asked_to_end_it_answers_what_it_has_taken_in(checkpoints) -> None:
    content = png(960, 960)[1]
    with serving(checkpoints, "cycle") as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/translate", content, {"Content-Type": "image/png"})
        time.sleep(0.7)  # to have been read, not to be finished
        process.send_signal(signal.SIGTERM)
        response = connection.getresponse()
        assert response.status == 200
        assert Image.open(io.BytesIO(response.read())).size == (960, 960)
        process.wait(30)
        connection.close()
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_a_port_that_is_taken_and_a_missing_run_are_told(checkpoints, port) -> None:
    words = ["--checkpoints_dir", str(checkpoints), "--name"]
    with pytest.raises(InputError, match="Give another --port"):
        serve.main([*words, "plain", "--port", str(port)])
    with pytest.raises(InputError, match="there is no folder"):
        serve.main([*words, "nowhere"])
