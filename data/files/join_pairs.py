"""Makes the images of aligned data sets: A in the left half, B in the right half."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from tqdm import tqdm

from data.files.image_folder import list_images
from data.files.pairs import Pair
from util.errors import InputError
from util.files import replacing, sweep
from util.images import write_png
from util.images.names import JPEG
from util.images.read import (
    BadImage,
    image_source,
    opened,
    read_image,
    read_picture,
    unreadable,
    upright_size,
)

T = TypeVar("T")
LOSSLESS_MODES = ("L", "RGB", "I;16")  # that are kept, where both halves have the same


def join_pictures(A: Image.Image, B: Image.Image) -> Image.Image:
    """A on the left, B on the right, of one mode and one size."""
    return Image.fromarray(np.concatenate([np.asarray(A), np.asarray(B)], axis=1))


def open_picture(path: Path, deep: bool = True) -> Image.Image:
    """Upright, L, RGB or (if deep) I;16; all else becomes RGB as training reads it.

    Raises: InputError when it cannot be read.
    """
    try:
        picture = read_picture(str(path))
        if picture.mode in LOSSLESS_MODES and (deep or picture.mode != "I;16"):
            return picture
    except BadImage as error:
        raise InputError(str(error)) from None
    return Image.fromarray(read_8_bits(path))


def read_8_bits(path: Path, channels: int = 3) -> np.ndarray:
    """Reads uint8 (H, W, 3), or (H, W) for one channel. Raises: InputError when it cannot be read."""
    try:
        image = read_image(str(path), channels).permute(1, 2, 0).numpy()
    except BadImage as error:
        raise InputError(str(error)) from None
    return np.ascontiguousarray(image[..., 0] if channels == 1 else image)


def open_pair(pair: Pair, resize: bool = False) -> tuple[Image.Image, Image.Image]:
    """Both halves in one mode and one size.

    resize: B is brought to the size of A; otherwise other sizes are refused.
    """
    A, B = open_picture(pair.A), open_picture(pair.B)
    if A.mode != B.mode:
        A, B = (open_picture(path, deep=False).convert("RGB") for path in (pair.A, pair.B))
    if A.size != B.size:
        if not resize:
            sizes = " and ".join(f"{image.width}x{image.height}" for image in (A, B))
            raise InputError(
                f"{pair.A} and {pair.B} are {sizes} pixels: make them alike, or say --resize to bring B to the size of A"
            )
        B = B.resize(A.size, Image.Resampling.BICUBIC)
    return A, B


def suffix_of(pair: Pair, format: str) -> str:
    """The extension of the pair's file; auto loses nothing more than the halves have lost already."""
    if format != "auto":
        return f".{format}"
    lossy = all(path.suffix.lower() in JPEG for path in (pair.A, pair.B))
    return ".jpg" if lossy else ".png"


def write_picture(path: Path, image: Image.Image) -> None:
    """PNG, or JPEG with hardly any loss, by the extension; whole or not at all."""
    with replacing(path) as file:
        if path.suffix == ".jpg":
            shown = image if image.mode in ("L", "RGB") else image.convert("RGB")
            shown.save(file, format="JPEG", quality=100, subsampling=0)
        else:
            write_png(file, image)


def write_pairs(
    pairs: Sequence[Pair], folder: Path, *, format: str, resize: bool, threads: int
) -> None:
    """Writes folder/<name>.png or .jpg for each pair.

    Raises: InputError, before anything is written, when the folder holds other images or sizes differ; later,
    when an image is damaged. Images that are written by then are whole.
    """
    targets = {folder / f"{pair.name}{suffix_of(pair, format)}": pair for pair in pairs}
    check_place(targets)
    if format == "jpg" and any(
        _header(path)[1].startswith("I;16") for pair in pairs for path in (pair.A, pair.B)
    ):
        raise InputError("JPEG files hold 8 bits, some images have 16: say --format png")

    def write(target: Path) -> None:
        write_picture(target, join_pictures(*open_pair(targets[target], resize)))

    with ThreadPoolExecutor(threads) as pool:
        if not resize:
            for _ in pool.map(_check_sizes, pairs):
                pass
        write_all(pool, write, list(targets), " pairs")


def write_all(
    pool: ThreadPoolExecutor, write: Callable[[T], None], items: Sequence[T], unit: str
) -> None:
    """Writes every item in threads, while a terminal shows how far it is; after an error none is begun any more."""
    try:
        done = pool.map(write, items)
        for _ in tqdm(done, total=len(items), unit=unit, leave=False, disable=None):
            pass
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise


def check_place(targets: Collection[Path]) -> None:
    """Raises: InputError where the folders to write hold images that would mix with ours."""
    places = sorted({target.parent for target in targets})
    for place in (place for place in places if place.is_dir()):
        sweep(place)
        try:
            there = [Path(path) for path in list_images(place)]
        except InputError:  # holds none
            continue
        others = [path for path in there if path not in targets]
        if others:
            raise InputError(
                f"{place} holds other images, such as {others[0].name}: remove them, or write to another folder"
            )


def _header(path: Path) -> tuple[tuple[int, int], str]:
    """Height and width of the upright image, and its mode, from the header. Raises: InputError."""
    try:
        with unreadable(str(path)), opened(image_source(str(path))) as file:
            return upright_size(file), file.mode
    except BadImage as error:
        raise InputError(str(error)) from None


def _check_sizes(pair: Pair) -> None:
    if _header(pair.A)[0] != _header(pair.B)[0]:
        open_pair(pair)  # says so
