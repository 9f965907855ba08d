"""Results of a network in files of their side's own values: PNG, TIFF and NumPy, of any depth."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from PIL import Image

from options.types import EIGHT_BITS, parse_nodata, parse_range
from util.errors import InputError
from util.files import replacing, write_text
from util.images import SIDES, write_png
from util.images.label_maps import class_palette
from util.images.metadata import Metadata, Placement, Size, png_chunks, read_metadata
from util.images.packages import image_package
from util.images.values import Values

FORMATS = ("auto", "png", "tiff", "npy", "exr")
DESCRIPTION = "values.json"  # in a folder of results
SUFFIXES = {"png": ".png", "tiff": ".tif", "npy": ".npy", "exr": ".exr"}
PNG_HEADER = 33  # bytes


class ValueWriter:
    """Writes results whose values need more than 8-bit grey or colour; `in` tells whether a label's do.

    Args:
        values: of sides "A" and "B"; {} of data sets that have none, whose results are pictures alone.
        format: a value of --save_format.
        placement: height and width of a file's picture -> how those that were tested were made of it; None where
            results have no place in files.
    Raises: InputError when PNG is asked for and cannot hold them.
    """

    def __init__(
        self,
        values: Mapping[str, Values],
        format: str,
        placement: Callable[[Size], Placement] | None = None,
    ) -> None:
        self.values, self.placement = values, placement
        self.formats = {
            # The flag is about results; inputs are kept as they can be.
            side: format_for(format if side == "B" or format != "png" else "auto", one.like, one)
            for side, one in values.items()
            if side == "B" or not one.labels
        }

    def __bool__(self) -> bool:
        return any(self.formats.values())

    def __contains__(self, label: object) -> bool:
        return self.formats.get(SIDES.get(str(label), "")) is not None

    def describe(self, folder: Path) -> None:
        """Writes what the numbers of both sides mean, for those who compare the results with other files."""
        text = {
            side: {
                "channels": v.channels,
                "range": v.flag,
                "labels": v.labels,
                "alpha": v.alpha,
                "bands": v.bands,
                # JSON has no NaN.
                "nodata": None if v.nodata is None else str(v.nodata),
            }
            for side, v in self.values.items()
        }
        write_text(folder / DESCRIPTION, json.dumps(text, indent=1) + "\n")

    def write(
        self, place: Path, label: str, image: np.ndarray, paths: Mapping[str, str] | None = None
    ) -> None:
        """Writes float32 (C, H, W) in [-1, 1] as values of its side; place lacks the suffix.

        paths: label -> the file that an image belongs to, whose metadata are kept.
        """
        side = SIDES[label]
        kind = self.formats[side]
        assert kind
        array = self.values[side].in_file(np.moveaxis(image, 0, -1))
        metadata = self._metadata(label, paths or {})
        classes = self.values[side].labels
        write_values(place.with_name(place.name + SUFFIXES[kind]), array, metadata, classes=classes)

    def _metadata(self, label: str, paths: Mapping[str, str]) -> Metadata | None:
        """Takes the place from the file that an image belongs to, and names of channels from one of its own side."""
        if self.placement is None or label not in paths:
            return None
        side, path = SIDES[label], paths[label]
        truth = paths.get(f"real_{side}", paths.get("real") if side == "A" else None)
        owner = side if truth == path else {"A": "B", "B": "A"}[side]
        found = read_metadata(path, self.values[owner].page)
        if found is None:
            return None
        found = found.placed(self.placement(found.size))
        if truth == path:  # the file's own values
            return found.of_values(self.values[side])
        like = read_metadata(truth, self.values[side].page) if truth else None
        return found.of_result(self.values[side], like.channels if like else None)


def described_values(folder: Path) -> dict[str, Values]:
    """Reads what `ValueWriter.describe` wrote; {} where it wrote nothing. Raises: ValueError when it cannot be read."""
    file = folder / DESCRIPTION
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {
            side: Values(
                side,
                int(one["channels"]),
                parse_range(f"range_{side}", one["range"]),
                int(one["labels"]),
                str(one["alpha"]),
                # Not in folders of older versions.
                tuple(map(int, one.get("bands", ()))),
                parse_nodata(one.get("nodata") or ""),
            )
            for side, one in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read ({error}): test the run again") from None


def format_for(asked: str, like: str, values: Values) -> str | None:
    """Chooses png, tiff or npy to write such values as; None where the 8-bit picture says it all.

    Args:
        asked: a value of --save_format.
        like: the name of a file whose format is kept, if that can be.
    Raises: InputError when PNG is asked for and cannot hold them.
    """
    suffix = Path(like).suffix.lower()
    if values.labels:
        if asked == "exr":
            raise InputError("EXR files do not hold class numbers: use png, tiff or npy")
        usual = {".npy": "npy", ".npz": "npy", ".tif": "tiff", ".tiff": "tiff"}.get(suffix, "png")
        return usual if asked == "auto" else asked
    bounds, channels = values.bounds, values.channels
    fits = values.dtype in (np.uint8, np.uint16) and channels in (1, 3, 4)
    shown = bounds == EIGHT_BITS and channels in (1, 3) and values.nodata is None
    if asked == "png" and not fits:
        raise InputError(
            f"PNG files hold whole numbers from 0 to 65535 in 1, 3 or 4 channels, not {channels} "
            f"channels of {bounds}; use tiff or npy"
        )
    if asked != "auto":
        return None if asked == "png" and shown else asked
    if shown:
        return None
    if suffix in (".npy", ".npz"):
        return "npy"
    if suffix == ".exr" and values.dtype == np.float32:
        return "exr"
    return "png" if suffix == ".png" and fits else "tiff"


def write_values(
    path: Path, values: np.ndarray, metadata: Metadata | None = None, *, classes: int = 0
) -> None:
    """Writes (H, W, C), or (H, W) for one channel, in the format of the path's suffix.

    The file appears when it is complete.
    Args:
        metadata: of the image, as far as the format can hold it.
        classes: number of classes, for label maps: pictures have a colour for each.
    Raises: InputError when a package is missing, or the disk refuses.
    """
    with replacing(path, lasting=False) as file:
        if classes and path.suffix.lower() != ".npy":
            write_classes(file, path.suffix.lower(), values[..., 0], metadata, classes)
        else:
            encode_values(file, path.suffix.lower(), values, metadata)


def encode_values(
    file: IO[bytes], suffix: str, values: np.ndarray, metadata: Metadata | None = None
) -> None:
    """Writes (H, W, C) in the format of a suffix. Raises: InputError when a package is missing."""
    array = np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values)
    if suffix == ".npy":
        np.save(file, array)
    elif suffix == ".exr":
        _write_exr(file, values)
    elif suffix in (".tif", ".tiff"):
        _write_tiff(file, array, metadata)
    elif metadata and (chunks := png_chunks(metadata, values.shape[-1])):
        whole = io.BytesIO()
        encode_values(whole, suffix, values)
        content = whole.getbuffer()
        for part in (content[:PNG_HEADER], chunks, content[PNG_HEADER:]):
            file.write(part)
    elif array.dtype == np.uint8 or array.ndim == 2:
        write_png(file, array)
    else:
        file.write(image_package("imagecodecs").png_encode(array))


def write_classes(
    file: IO[bytes], suffix: str, numbers: np.ndarray, metadata: Metadata | None, classes: int
) -> None:
    """Writes (H, W) uint8 as PNG or TIFF with a palette."""
    if suffix == ".png":
        palette = class_palette(classes)
        picture = Image.fromarray(numbers)
        picture.putpalette(palette.tobytes())
        write_png(file, picture)
        return
    tags = metadata.tiff_tags(numbers.dtype, 0) if metadata else {}
    imwrite = image_package("tifffile").imwrite
    imwrite(file, numbers, metadata=None, **tiff_palette(classes), **tags)


def tiff_palette(classes: int) -> dict[str, Any]:
    """The palette of classes, for tifffile's writer."""
    return {"photometric": "palette", "colormap": class_palette(classes).T.astype(np.uint16) * 257}


def _write_tiff(file: IO[bytes], array: np.ndarray, metadata: Metadata | None) -> None:
    """Writes (H, W) or (H, W, C): OME-TIFF and ImageJ's with a page for each channel, others with channels together."""
    imwrite = image_package("tifffile").imwrite
    colour = array.shape[2:] == (3,) and array.dtype == np.uint8
    photometric = "rgb" if array.shape[2:] == (3,) else "minisblack"
    planes = "contig" if array.ndim == 3 else None
    if metadata is None:
        imwrite(file, array, photometric=photometric, planarconfig=planes)
        return
    tags = metadata.tiff_tags(array.dtype, 1 if array.ndim == 2 else array.shape[-1])
    style = metadata.style
    if style == "imagej" and array.dtype not in (np.uint8, np.uint16, np.float32):
        style = "ome"
    if not style or metadata.geo:
        if metadata.description:
            tags |= {"description": metadata.description, "metadata": None}
        imwrite(file, array, photometric=photometric, planarconfig=planes, **tags)
        return
    axes = "YXS" if colour else "CYX"[3 - array.ndim :]
    pages = array if colour or array.ndim == 2 else np.moveaxis(array, -1, 0)
    if style == "ome":
        said = {"axes": axes, **metadata.ome()}
    else:
        said = {
            "axes": axes,
            "unit": metadata.unit.replace("\u00b5", "u"),
            "Labels": list(metadata.channels),
        }
        said = {name: value for name, value in said.items() if value}
    photometric = "rgb" if colour else "minisblack"
    imwrite(file, pages, photometric=photometric, metadata=said, **{style: True}, **tags)


def _write_exr(file: IO[bytes], values: np.ndarray) -> None:
    """Writes (H, W, C) as 32-bit floats: Y, or R, G and B, or channels whose names are numbers."""
    OpenEXR = image_package("OpenEXR")
    count = values.shape[-1]
    names = {1: ["Y"], 3: ["R", "G", "B"]}.get(count, [f"C{i:05d}" for i in range(count)])
    planes = np.moveaxis(values, -1, 0).astype(np.float32)
    channels = {n: np.ascontiguousarray(plane) for n, plane in zip(names, planes, strict=True)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with TemporaryDirectory() as folder:  # OpenEXR writes to paths alone
        place = Path(folder, "image.exr")
        with OpenEXR.File(header, channels) as image:
            image.write(str(place))
        file.write(place.read_bytes())
