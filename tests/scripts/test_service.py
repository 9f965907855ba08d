"""The application behind scripts/serve.py, called as a server calls it."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models.inference.translator import Translator, load_translator
from models.networks import define_G
from util.checkpoints.files import save

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from scripts.lib.serving.batching import Batcher
from scripts.lib.serving.limits import Limits
from scripts.lib.serving.service import create_service

LIMITS = Limits(bytes=1_000_000, pixels=100_000, seconds=20)


def open_run(folder: Path, channels: int = 3, **flags: Any) -> Translator:
    """An untrained generator in a run with such flags."""
    folder.mkdir()
    torch.manual_seed(0)
    network = define_G(channels, channels, 2, "resnet_6blocks", "instance", init_gain=0.2)
    save(folder / "latest_net_G.pth", network.state_dict())
    flags = {"model": "pix2pix", "norm": "instance", "direction": "AtoB", **flags}
    (folder / "options.json").write_text(json.dumps({"flags": flags}))
    return load_translator(folder, device="cpu")


def file_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


async def post(app: Any, body: bytes, *, leave: asyncio.Event | None = None, **headers: str):
    """Status, headers and body of the answer; the client leaves when `leave` is set."""
    told = {"host": "127.0.0.1", "content-type": "image/png", **headers}
    scope = {
        "type": "http", "method": "POST", "path": "/translate", "raw_path": b"/translate", "root_path": "",
        "scheme": "http", "query_string": b"", "headers": [(k.encode(), v.encode()) for k, v in told.items()],
    }  # fmt: skip
    sent = [{"type": "http.request", "body": body}]
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        answer.append(message)

    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in answer[0]["headers"]}
    return answer[0]["status"], found, b"".join(part.get("body", b"") for part in answer[1:])


def ask_once(translator: Translator, body: bytes, origins: tuple[str, ...] = (), **headers: str):
    async def run() -> Any:
        async with Batcher(translator.stream, most=4, linger=0, queue=4) as batcher:
            app = create_service(
                translator, batcher, LIMITS, name="n", hosts=["*"], origins=origins
            )
            return await post(app, body, **headers)

    with ThreadPoolExecutor(1) as pool:  # asyncio.run would drop this thread's own loop
        return pool.submit(asyncio.run, run()).result()


def test_a_run_of_16_bits_gets_and_gives_16_bits(tmp_path: Path) -> None:
    translator = open_run(tmp_path / "run", 1, range_A="0,9000", range_B="0,4000")
    image = np.random.default_rng(0).integers(0, 9001, (24, 32), dtype=np.uint16)
    status, headers, body = ask_once(translator, file_of(image))
    assert (status, headers["content-type"]) == (200, "image/png")
    result = np.asarray(Image.open(io.BytesIO(body)))
    assert result.dtype == np.uint16
    assert np.array_equal(result, translator(image))


def test_values_that_png_does_not_hold_come_as_tiff(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    translator = open_run(tmp_path / "run", 1, range_A="0,65535", range_B="-1.5,1.5")
    image = np.random.default_rng(0).integers(0, 65536, (24, 32), dtype=np.uint16)
    status, headers, body = ask_once(translator, file_of(image))
    assert (status, headers["content-type"]) == (200, "image/tiff")
    assert np.array_equal(tifffile.imread(io.BytesIO(body)), translator(image))


def test_8_bits_are_refused_where_a_run_needs_more(tmp_path: Path) -> None:
    translator = open_run(tmp_path / "run", 1, range_A="0,9000", range_B="0,4000")
    status, _, body = ask_once(translator, file_of(np.zeros((24, 32), np.uint8)))
    assert status == 400
    assert b"8 bits, which is less than --range_A" in body


def test_pages_of_allowed_sites_may_send_images_and_read_the_answer(tmp_path: Path) -> None:
    translator, site = open_run(tmp_path / "run"), "https://site.example"
    body = file_of(np.zeros((8, 8, 3), np.uint8))
    status, headers, _ = ask_once(translator, body, (site,), origin=site)
    assert (status, headers["access-control-allow-origin"]) == (200, site)
    assert ask_once(translator, body, (site,), origin="null")[0] == 403
    assert ask_once(translator, body, ("*",), origin="null")[0] == 200


def test_what_a_client_left_behind_is_not_computed(tmp_path: Path) -> None:
    translator = open_run(tmp_path / "run")
    begun, go_on, sizes = threading.Event(), threading.Event(), []

    def translate(images: Iterable[Any]) -> Iterator[Any]:
        for image in images:
            sizes.append(image.size)
            begun.set()
            assert go_on.wait(20)
            yield from translator.stream([image])

    async def run() -> list[int]:
        async with Batcher(translate, most=1, linger=0, queue=4) as batcher:
            app = create_service(translator, batcher, LIMITS, name="n", hosts=["*"])
            leave = asyncio.Event()
            bodies = [file_of(np.zeros((8, width, 3), np.uint8)) for width in (8, 12, 16)]
            first = asyncio.create_task(post(app, bodies[0]))
            await asyncio.to_thread(begun.wait, 20)
            left = asyncio.create_task(post(app, bodies[1], leave=leave))
            while batcher.waiting < 1:
                await asyncio.sleep(0.01)
            leave.set()
            await left
            last = asyncio.create_task(post(app, bodies[2]))
            while batcher.waiting < 2:
                await asyncio.sleep(0.01)
            go_on.set()
            return [answer[0] for answer in await asyncio.gather(first, last)]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, run()).result() == [200, 200]
    assert sizes == [(8, 8), (16, 8)]
