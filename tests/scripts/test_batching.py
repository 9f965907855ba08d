"""Requests at the server that go together: who shares a batch, who is refused, who is left out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from scripts.lib.serving.batching import Batcher, Full


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread: asyncio.run would drop the loop that dominate keeps in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def images(*values: int) -> list[Image.Image]:
    return [Image.new("L", (1, 1), value) for value in values]


def test_images_that_wait_go_together_and_one_that_fails_fails_alone() -> None:
    batches = []

    def translate(batch: Iterable[Image.Image]) -> list[Image.Image]:
        values = [image.getpixel((0, 0)) for image in batch]
        batches.append(values)
        if 13 in values:
            raise ValueError("unlucky")
        return images(*(value + 100 for value in values))

    async def run() -> list[object]:
        async with Batcher(translate, most=4, linger=0.05, queue=9) as batcher:
            calls = [batcher(image) for image in images(1, 2, 3, 4, 13, 6)]
            return await asyncio.gather(*calls, return_exceptions=True)

    results = finished(run())
    assert batches == [[1, 2, 3, 4], [13, 6], [13], [6]]
    assert [r.getpixel((0, 0)) if isinstance(r, Image.Image) else str(r) for r in results] == [101, 102, 103, 104, "unlucky", 106]  # fmt: skip


def test_a_full_queue_refuses_and_those_who_gave_up_are_not_computed() -> None:
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def translate(batch: Iterable[Image.Image]) -> Iterator[Image.Image]:
        for image in batch:
            seen.append(image.getpixel((0, 0)))
            begun.set()
            assert go_on.wait(20)
            yield image

    async def run() -> None:
        async with Batcher(translate, most=1, linger=0, queue=2) as batcher:
            one, two, three, four = images(1, 2, 3, 4)
            first = asyncio.create_task(batcher(one))
            await asyncio.to_thread(begun.wait, 20)
            late = [asyncio.create_task(batcher(image)) for image in (two, three)]
            await asyncio.sleep(0)
            with pytest.raises(Full):
                await batcher(four)
            late[0].cancel()
            go_on.set()
            await asyncio.gather(first, late[1])

    finished(run())
    assert seen == [1, 3]


def test_those_who_give_up_while_their_batch_is_computed_are_left_out_of_it() -> None:
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def translate(batch: Iterable[Image.Image]) -> Iterator[Image.Image]:
        for image in batch:
            seen.append(image.getpixel((0, 0)))
            begun.set()
            assert go_on.wait(20)
            yield image

    async def run() -> None:
        async with Batcher(translate, most=3, linger=0.05, queue=9) as batcher:
            first, late, last = (asyncio.create_task(batcher(each)) for each in images(1, 2, 3))
            await asyncio.to_thread(begun.wait, 20)
            late.cancel()
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(first, last)

    finished(run())
    assert seen == [1, 3]
