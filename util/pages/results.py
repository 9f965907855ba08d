"""results/<name>/<phase>_<epoch>/: images named after what they were made from, and a page of them."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePath
from statistics import fmean
from types import MappingProxyType
from typing import Any

import numpy as np

from util.design.links import add_link, links_to
from util.errors import InputError, SharedError
from util.files import make_folder
from util.images import save_image, stretched
from util.images.names import suffix_of, without_suffix
from util.metrics.pictures import PictureMeasures, measure_pictures, truth_of
from util.pages.gallery import Example, Picture, write_gallery
from util.pages.gallery.summary import describe
from util.pages.result_metrics import first_pair, metric_columns

SINGLE = {"real", "fake"}  # labels of --model test
LABEL = re.compile(r'alt="([^" ]*)')
WRITERS = 8  # threads, where there are so many cores
IN_FLIGHT = 64  # images that may wait for the disk before the network waits for them


def result_name(path: str, dataroot: str, phase: str) -> str:
    """Returns where an input's results go below images/: its place below the data root, without extension.

    The phase folder (test, testA, testB) is left out, and so are tars that the path leads into; other sub-folders
    are kept.
    """
    relative = PurePath(os.path.relpath(path, dataroot))
    *folders, stem = without_suffix(relative).parts
    parts = (*(name for name in folders if not name.lower().endswith(".tar")), stem)
    if parts[0] == "..":
        return without_suffix(relative).name
    if len(parts) > 1 and parts[0] in (phase, f"{phase}A", f"{phase}B"):
        parts = parts[1:]
    return "/".join(parts)


def source_domain(label: str) -> str:
    """Returns the domain of the image that a label's was made from: A for real_A, fake_B and rec_A."""
    kind, _, domain = label.partition("_")
    return {"A": "B", "B": "A"}.get(domain, domain) if kind == "fake" else domain


class ResultWriter:
    """Writes images in the background, each once, and the page at the end, also after an error.

    Args:
        page: whether this process writes the page, which shows all processes' images.
        write_values: writes a label's values to a path, which it gives a suffix; the paths of all labels come with them.
        pages: text -> page of the same run; of those that exist the page shows links, and Training gets one back.

    Attributes:
        file: of the page, once it is written.
    """

    def __init__(
        self,
        folder: Path,
        title: str,
        *,
        dataroot: str,
        phase: str,
        width: int,
        aspect_ratio: float = 1.0,
        page: bool = True,
        write_values: Callable[..., None] | None = None,
        pages: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self.folder, self.title, self.width = make_folder(folder), title, width
        self.dataroot, self.phase, self.aspect_ratio = dataroot, phase, aspect_ratio
        self.page, self.write_values, self.pages = page, write_values, pages
        self.file = self.folder / "index.html"
        self.examples: dict[int, Example] = {}
        self.paired_by_name: set[str] = set()  # outputs whose truth is another file of that name
        self.count = 0
        self.owners: dict[tuple[str, str], str] = {}  # (name, label) -> the input it belongs to
        self.pool = ThreadPoolExecutor(min(WRITERS, os.cpu_count() or 1))
        self.pending: deque[Future[None]] = deque()

    def add(
        self,
        number: int,
        paths: dict[str, str],
        pictures: dict[str, np.ndarray],
        values: Mapping[str, np.ndarray] = MappingProxyType({}),
        facts: PictureMeasures | None = None,
    ) -> None:
        """Writes uint8 images by label, each named after the input at paths[label].

        Args:
            number: place on the page.
            pictures: {} where another process writes them.
            values: of some of them, for files beside the pictures; in values/ instead of images/.
            facts: of all pictures; found out here by default.
        """
        facts = measure_pictures(paths, pictures) if facts is None else facts
        rows: dict[tuple[str, str], list[Picture]] = {}  # by name and direction
        both = {"fake_A", "fake_B"} <= paths.keys()
        for label, path in paths.items():
            name = self._claim(path, label)
            if name is None:
                continue  # the smaller of two folders has started over
            file = f"images/{name}_{label}.png"
            if label in pictures:
                self._enqueue(save_image, self.folder / file, pictures[label], self.aspect_ratio)
            if label in values and self.write_values:
                place = self.folder / f"values/{name}_{label}"
                self._enqueue(self.write_values, place, label, values[label], paths)
            size = stretched(facts.sizes[label], self.aspect_ratio)
            direction = source_domain(label) if both else ""
            rows.setdefault((name, direction), []).append(Picture(file, label, *size))
        self.count += 1
        if rows:
            labels = {picture.label for row in rows.values() for picture in row}
            numbers = {key: value for key, value in facts.values.items() if key[0] in labels}
            heading = " | ".join(dict.fromkeys(name for name, _ in rows))
            self.examples[number] = Example(heading, list(rows.values()), numbers)
            for label in {label for label, _ in numbers}:
                if label.startswith("fake") and paths[label] != paths[truth_of(label)]:
                    self.paired_by_name.add(label)

    def means(self) -> dict[str, float]:
        """Averages what is measured of the results, by the names of the page's columns."""
        examples = list(self.examples.values())
        found = {
            each.key: [e.values[each.place] for e in examples if each.place in e.values]
            for each in metric_columns(examples)
        }
        return {key: fmean(values) for key, values in found.items()}

    def _claim(self, path: str, label: str) -> str | None:
        """Returns a name that no other input has; None when this input's image is written already."""
        name = result_name(path, self.dataroot, self.phase)
        place = PurePath(os.path.relpath(path, self.dataroot))
        whole, suffix = without_suffix(place).as_posix().lstrip("./"), suffix_of(path).lstrip(".")
        # The same name may lie in several phase folders, and a.jpg beside a.png.
        for candidate in (name, whole, f"{name}_{suffix}", f"{whole}_{suffix}"):
            if (candidate, label) not in self.owners:
                self.owners[candidate, label] = path
                return candidate
            if self.owners[candidate, label] == path:
                return None
        raise SharedError(
            f"{path} and {self.owners[name, label]} would overwrite each other's results"
        )

    def _free_file(self, labels: set[str]) -> Path:
        """Chooses the file of the page: index.html, also where a page with other labels is there already.

        Only a page of --model test, of inputs and outputs without truths, and one of pairs do not replace each other: the
        former is then index_test.html.
        """
        index, beside = self.folder / "index.html", self.folder / "index_test.html"
        with suppress(OSError):
            shown = set(LABEL.findall(index.read_text(encoding="utf-8", errors="replace")))
            if shown - SINGLE and labels and labels <= SINGLE:
                return beside
            if shown and shown <= SINGLE and labels - SINGLE:
                os.replace(index, beside)
        return index

    def _enqueue(self, write: Callable[..., None], *arguments: Any) -> None:
        while len(self.pending) >= IN_FLIGHT:
            self.pending.popleft().result()
        self.pending.append(self.pool.submit(write, *arguments))

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            while self.pending:
                self.pending.popleft().result()
        except OSError as failure:
            raise InputError(f"cannot write to {self.folder}: {failure.strerror}") from None
        finally:
            self.pool.shutdown()
        if self.page:
            self._write_page()

    def _notes(self) -> list[str]:
        if not self.paired_by_name:
            return []
        outputs = " and ".join(sorted(self.paired_by_name))
        return [
            f"{outputs}: compared with files of the same name. Ignore these numbers if they are not pairs."
        ]

    def _write_page(self) -> None:
        examples = [self.examples[number] for number in sorted(self.examples)]
        self.file = self._free_file({p.label for each in examples for p in each.pictures})
        columns = metric_columns(examples)
        write_gallery(
            self.file,
            self.title,
            examples,
            columns,
            width=self.width,
            pair=first_pair(columns),
            verdict=describe(examples, columns[0]) if columns else (),
            notes=self._notes(),
            links=links_to(self.pages, self.folder),
        )
        if training := self.pages.get("Training"):
            add_link(training, f"Results {self.folder.name}", self.file)
