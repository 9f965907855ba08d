"""Faults of a data set that names and headers of files tell: cheap enough for every training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from data.base_dataset import BaseDataset
from data.checks.contents import content_findings, measure_folders
from data.checks.finding import Finding
from data.checks.sizes import size_findings
from data.checks.values import header_findings
from data.files.image_folder import list_images
from data.files.pairs import below
from data.transforms import Size
from options.wording import count
from util.errors import InputError
from util.images.contents import LARGEST, evenly
from util.images.read import image_source, opened, upright_size
from util.images.tars import shard_lengths

MEASURED = 4  # files of each folder that are decoded
FEW_TARS = 8  # whose headers are looked at; for each, its index file is read
Headers = dict[str, Size | None]  # path -> height and width, None where there is no telling


def headers_of(dataset: BaseDataset, most: int = 200) -> Headers:
    """Sizes from the headers of at most `most` files, from all parts of the data set."""
    paths = [path for listed in dataset.listed.values() for path in listed]
    return {path: header_size(path) for path in evenly(of_few_tars(paths), most)}


def quick_findings(dataset: BaseDataset, headers: Headers) -> list[Finding]:
    """Finds what names and headers tell, and the values of a few files; what cannot be read is passed over."""
    whole = len(headers) == sum(map(len, dataset.listed.values()))
    sizes = sizes_of(headers)
    noun = "images" if whole else "sampled images"
    return [
        *name_findings(dataset),
        *size_findings(dataset, sizes, noun),
        *header_findings(dataset, list(headers), noun),
        *content_findings(dataset, measure_folders(dataset, quick_to_decode(headers), MEASURED)),
    ]


def sizes_of(headers: Headers) -> dict[str, Size]:
    """The sizes of those files whose headers tell them."""
    return {path: size for path, size in headers.items() if size}


def quick_to_decode(headers: Headers) -> list[str]:
    """Picks the files of which it is not known that they are large."""
    return [path for path, size in headers.items() if not size or math.prod(size) <= LARGEST]


def files_in_words(dataset: BaseDataset, headers: Headers) -> str:
    """Words how many files each folder has, and their size: one, or the smallest and the largest that was seen."""
    counts = [
        f"{folder.name}: {count(len(listed), 'file')}" for folder, listed in dataset.listed.items()
    ]
    sizes = sorted({size for size in headers.values() if size}, key=lambda s: (s[0] * s[1], s))
    ends = dict.fromkeys(f"{width}x{height}" for height, width in (*sizes[:1], *sizes[-1:]))
    return ", ".join(counts) + (f"; {' to '.join(ends)} pixels" if ends else "")


def of_few_tars(paths: Sequence[str]) -> Sequence[str]:
    """Picks the paths in at most FEW_TARS tars, from all parts of the list; all if there are no tars."""
    lengths = shard_lengths(paths)
    if lengths is None:
        return paths
    starts = [0, *accumulate(lengths)]
    shards = evenly(range(len(lengths)), FEW_TARS)
    return [path for i in shards for path in paths[starts[i] : starts[i + 1]]]


def header_size(path: str) -> Size | None:
    """Height and width of an image as it stands upright, without decoding it; None if there is no telling."""
    try:
        with opened(image_source(path)) as file:
            size = upright_size(file)
    except Exception:  # the reader says what is wrong with a file
        return None
    return size if all(size) else None


def name_findings(dataset: BaseDataset) -> list[Finding]:
    """Files without a partner; of other data sets' files, where most names in A's folder occur in B's, too."""
    if alone := dataset.unpaired_files:
        text = f"files without a partner in the other folder, which are left out: {len(alone)}"
        return [Finding("warning", text, tuple(alone), all_shown=True)]
    folders = list(dataset.listed)
    if dataset.file_pairs() is not None or not folders:
        return []
    if len(folders) == 1:  # B may be found by A's names, without being listed
        A = folders[0]
        folders.append(A.with_name(A.name[:-1] + "B") if A.name.endswith("A") else A)
    A, B = folders[:2]
    if A == B or len(folders) > 2:
        return []
    whole = dataset.options.max_dataset_size == float("inf")
    listed = dataset.listed if whole else {}
    try:
        A_names, B_names = (
            {below(folder, path) for path in listed.get(folder) or list_images(folder)}
            for folder in (A, B)
        )
    except InputError:  # B is missing, or holds other files than images
        return []
    if 2 * len(A_names & B_names) <= max(len(A_names), len(B_names)):
        return []
    alone = [f"{A / name}.*: not in {B.name}" for name in sorted(A_names - B_names)]
    alone += [f"{B / name}.*: not in {A.name}" for name in sorted(B_names - A_names)]
    if not alone:
        return []
    text = f"files without a counterpart in the other folder, unlike most: {len(alone)}"
    return [Finding("warning", text, tuple(alone))]
