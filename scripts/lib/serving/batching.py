"""Requests that come at the same time go through the network together; one thread computes, the loop stays free."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

Translate = Callable[[list[Image.Image]], list[Image.Image]]


class Full(Exception):
    """Too many images wait already."""


@dataclass(frozen=True)
class Waiting:
    image: Image.Image
    result: asyncio.Future[Image.Image]


class Batcher:
    """Collects images and translates them in batches, first come, first served.

    Args:
        translate: images -> their translations; called in a thread of its own, one call at a time.
        most: images in a batch.
        linger: seconds that the first image of a batch waits for others, when the network is idle.
        queue: images that may wait; more are refused.
    """

    def __init__(self, translate: Translate, *, most: int, linger: float, queue: int) -> None:
        self.translate, self.most, self.linger = translate, most, linger
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(queue)
        self._thread = ThreadPoolExecutor(1, "translator")
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def __aenter__(self) -> Batcher:
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._worker
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        self._thread.shutdown()

    async def __call__(self, image: Image.Image) -> Image.Image:
        """Raises: Full; whatever the translator raises. Cancelled, its image is left out."""
        one = Waiting(image, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(one)
        except asyncio.QueueFull:
            raise Full from None
        return await one.result

    async def _work(self) -> None:
        while True:
            batch = [one for one in await self._collect() if not one.result.done()]
            # Neighbours of one size go through the network together.
            batch.sort(key=lambda one: one.image.size)
            try:
                await self._translate(batch)
            except Exception as error:
                if len(batch) == 1:
                    _fail(batch[0], error)
                    continue
                for one in batch:  # one may have spoilt it for all
                    try:
                        await self._translate([one])
                    except Exception as own:
                        _fail(one, own)

    async def _translate(self, batch: list[Waiting]) -> None:
        images = [one.image for one in batch]
        loop = asyncio.get_running_loop()
        results = await loop.run_in_executor(self._thread, self.translate, images)
        for one, result in zip(batch, results, strict=True):
            if not one.result.done():  # as it is when its client gave up meanwhile
                one.result.set_result(result)

    async def _collect(self) -> list[Waiting]:
        batch = [await self._queue.get()]
        deadline = asyncio.get_running_loop().time() + self.linger
        while len(batch) < self.most:
            left = deadline - asyncio.get_running_loop().time()
            if self._queue.empty() and left <= 0:
                break
            try:
                batch.append(await asyncio.wait_for(self._queue.get(), max(left, 0.001)))
            except asyncio.TimeoutError:  # the built-in one only since Python 3.11
                break
        return batch


def _fail(one: Waiting, error: Exception) -> None:
    if not one.result.done():
        one.result.set_exception(error)
