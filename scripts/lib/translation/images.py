"""Translating many images: read ahead, in threads, while the network works and results are written; or part by part."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from models import Translator
from scripts.lib.translation.files import FileJob
from scripts.lib.translation.values import FileValues, ReadImage
from util.errors import InputError, explain_out_of_memory
from util.images.read import BadImage

AHEAD = 4  # images that wait for the network, and as many for the disk; they may be large


def translate_large_files(
    t: Translator, values: FileValues, jobs: Sequence[FileJob]
) -> list[InputError | BadImage]:
    """Translates TIFF files that need not fit into memory; returns what cannot be read or written."""
    bad: list[InputError | BadImage] = []
    for job in jobs:
        with explain_out_of_memory("--tile"), tqdm(unit="part", leave=False, disable=None) as bar:

            def progress(done: int, total: int, bar: tqdm = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                t.translate_file(
                    Path(job.source),
                    job.target,
                    (values.A, values.B),
                    progress,
                    pyramid=values.pyramid,
                )
            except InputError as error:
                bad.append(error)
    return bad


def translate_images(
    t: Translator, values: FileValues, jobs: Sequence[FileJob]
) -> list[InputError | BadImage]:
    """Translates and writes all that can be read; returns what cannot."""
    bad: list[InputError | BadImage] = []
    started: deque[tuple[FileJob, torch.Tensor | None]] = deque()
    saving: deque[Future[None]] = deque()
    with (
        explain_out_of_memory("--batch_size"),
        warnings.catch_warnings(),  # what readers do in threads puts back each other's filters
        ThreadPoolExecutor(2) as pool,
        tqdm(total=len(jobs), unit="img", leave=False, disable=None) as bar,
    ):
        warnings.simplefilter("ignore")

        def read(job: FileJob) -> ReadImage | BadImage:
            try:
                return values.read(job.source)
            except BadImage as error:
                return error

        def images() -> Iterator[torch.Tensor]:
            for job, image in zip(jobs, read_ahead(pool, read, jobs), strict=True):
                if isinstance(image, BadImage):
                    bad.append(image)
                    bar.update()
                else:
                    started.append((job, image.valid))
                    yield image.image

        for result in t.stream(images()):
            job, valid = started.popleft()
            saving.append(pool.submit(values.write, job.source, job.target, result, valid))
            if len(saving) > AHEAD:
                saving.popleft().result()
            bar.update()
        for future in saving:
            future.result()
    return bad


def read_ahead(
    pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[Any]:
    """Yields function(item) for all items in order, a few of them computed before they are asked for."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
