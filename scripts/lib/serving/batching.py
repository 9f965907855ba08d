"""Requests that come at the same time go through the network together; one thread computes, the loop stays free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

Picture = Image.Image | np.ndarray
Translate = Callable[[Iterable[Picture]], Iterable[Picture]]


class Full(Exception):
    """Too many images wait already."""


@dataclass(frozen=True)
class WaitingImage:
    image: Picture
    result: asyncio.Future[Picture]


class Batcher:
    """Collects images and translates them in batches, first come, first served.

    Args:
        translate: images -> their translations, in order; called in a thread of its own, one call at a time.
        most: images in a batch.
        linger: seconds that the first image of a batch waits for others, when the network is idle.
        queue: images that may wait; more are refused.
    """

    def __init__(self, translate: Translate, *, most: int, linger: float, queue: int) -> None:
        self.translate, self.most, self.linger = translate, most, linger
        self._queue: asyncio.Queue[WaitingImage] = asyncio.Queue(queue)
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

    async def __call__(self, image: Picture) -> Picture:
        """Raises: Full; whatever the translator raises. Cancelled, its image is left out."""
        one = WaitingImage(image, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(one)
        except asyncio.QueueFull:
            raise Full from None
        return await one.result

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()

        async def compute(batch: list[WaitingImage]) -> None:
            await loop.run_in_executor(self._thread, self._compute, batch, loop)

        while True:
            batch = await self._collect()
            # Neighbours of one size go through the network together.
            batch.sort(key=lambda one: getattr(one.image, "shape", one.image.size))
            try:
                await compute(batch)
            except Exception as error:
                if len(batch) == 1:
                    _settle(batch[0], error)
                    continue
                for one in batch:  # one may have spoilt it for all
                    try:
                        await compute([one])
                    except Exception as own:
                        _settle(one, own)

    def _compute(self, batch: list[WaitingImage], loop: asyncio.AbstractEventLoop) -> None:
        """Translates, in the thread, the images that are still waited for, and hands out each result at once."""
        begun: deque[WaitingImage] = deque()

        def images() -> Iterator[Picture]:
            for one in batch:
                # Its client may have left, or been told that it took too long.
                if not one.result.done():
                    begun.append(one)
                    yield one.image

        for result in self.translate(images()):
            loop.call_soon_threadsafe(_settle, begun.popleft(), result)

    async def _collect(self) -> list[WaitingImage]:
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


def _settle(one: WaitingImage, outcome: Picture | Exception) -> None:
    """Ends the wait, unless the client gave up meanwhile."""
    if one.result.done():
        return
    if isinstance(outcome, Exception):
        one.result.set_exception(outcome)
    else:
        one.result.set_result(outcome)
