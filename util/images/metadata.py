"""What files say about their pictures besides the pixels: place, pixel size, names of channels, colour profile."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from PIL.PngImagePlugin import PngInfo

from options.types import parse_page
from util.images.names import TIFF, VOLUMES, is_zarr, suffix_of
from util.images.packages import image_package
from util.images.read import image_source, opened, upright_size
from util.images.stacks import ORIENTATION, choose_series, open_zarr
from util.images.values import Values

Size = tuple[int, int]  # height, width
PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS = 33550, 33922, 34264, 34735
GDAL_METADATA, GDAL_NODATA = 42112, 42113
GEOTIFF = (
    PIXEL_SCALE,
    TIE_POINTS,
    TRANSFORMATION,
    GEO_KEYS,
    34736,
    34737,
    GDAL_METADATA,
    GDAL_NODATA,
)
RASTER_TYPE, PIXEL_IS_POINT = 1025, 2  # a key in GEO_KEYS: places are those of pixels' middles
ICC_PROFILE = 34675  # a TIFF tag
ASCII, BYTES = 2, 7  # types of TIFF tags
INCH, CENTIMETER = 2, 3  # units of resolution in TIFF
COLOUR_SPACES = {1: b"GRAY", 3: b"RGB "}  # channels -> what a profile for them says
UNITS = {  # as programs write them -> as OME does
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "\\u00b5m", "\u00b5m", "\u03bcm"), "\u00b5m"),
    **dict.fromkeys(("mm", "millimeter"), "mm"),
    **dict.fromkeys(("cm", "centimeter"), "cm"),
    **dict.fromkeys(("nm", "nanometer"), "nm"),
    **dict.fromkeys(("m", "meter"), "m"),
    **dict.fromkeys(("in", "inch"), "in"),
}  # fmt: skip
APERIO = re.compile(r"\|\s*MPP\s*=\s*([0-9.]+)")  # micrometres per pixel, in a slide's description


class Placement(NamedTuple):
    """How a picture was made of that in a file: resized, then cut out from (top, left) on."""

    resized: Size
    top: int = 0
    left: int = 0


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture.

    Attributes:
        size: height and width of the picture as it stands upright.
        geo: code -> (type, value) of the TIFF tags that place it on the Earth, and GDAL's.
        resolution: pixels per unit, across and down, and the unit, as TIFF has them; or nothing.
        pixel_size: width and height of a pixel; None where nothing tells. unit: of these, in OME's words.
        channels: their names, or none.
        style: "ome" or "imagej" of TIFF files of that kind, and of what is best written as such; or "".
        icc: colour profile. gamma: of a PNG file; 0 where it tells none.
        description: what TIFF files of no such kind call ImageDescription.
    """

    size: Size
    geo: Mapping[int, tuple[int, Any]]
    resolution: tuple[float, float, int] | None = None
    pixel_size: tuple[float, float] | None = None
    unit: str = ""
    channels: tuple[str, ...] = ()
    style: str = ""
    icc: bytes = b""
    gamma: float = 0.0
    description: str = ""

    def placed(self, placement: Placement) -> Metadata:
        """The metadata of a picture that was made of this one."""
        down, across = (new / old for new, old in zip(placement.resized, self.size, strict=True))
        moved = dict(self.geo)
        if (down, across, *placement[1:]) != (1, 1, 0, 0):
            moved = _moved(moved, down, across, placement)
        resolution, pixel_size = self.resolution, self.pixel_size
        if resolution:
            resolution = resolution[0] * across, resolution[1] * down, resolution[2]
        if pixel_size:
            pixel_size = pixel_size[0] / across, pixel_size[1] / down
        return replace(self, geo=moved, resolution=resolution, pixel_size=pixel_size)

    def at_size(self, size: Size) -> Metadata:
        """The metadata of the picture resized as a whole."""
        return self.placed(Placement(size))

    @property
    def nodata(self) -> float | None:
        """The value that stands for no data in GeoTIFF."""
        with suppress(TypeError, ValueError):
            return float(self.geo[GDAL_NODATA][1]) if GDAL_NODATA in self.geo else None
        return None

    def of_values(self, values: Values) -> Metadata:
        """The metadata of the file's own values, or of some of its bands."""
        if not values.bands:
            names = self.channels
            return self if len(names) == values.channels else replace(self, channels=())
        names = tuple(self.channels[i - 1] for i in values.bands if i <= len(self.channels))
        return self.of_result(values, names)

    def of_result(self, values: Values, names: tuple[str, ...] | None = None) -> Metadata:
        """The metadata of a network's result, whose values are others: what describes single bands is left out.

        Args:
            values: meaning of the numbers in the result.
            names: of the channels, where they are known; None: the input's, if there are as many.
        """
        geo, channels = dict(self.geo), values.channels
        if geo and values.nodata is not None:
            geo[GDAL_NODATA] = ASCII, f"{values.nodata:.17g}"
        if GDAL_METADATA in geo:
            text = _without_bands(geo.pop(GDAL_METADATA)[1])
            geo |= {GDAL_METADATA: (ASCII, text)} if text else {}
        kept = self.channels if names is None else names
        return replace(self, geo=geo, channels=kept if len(kept) == channels else ())

    def profile(self, channels: int) -> bytes:
        """The colour profile, if it is one for so many channels."""
        return self.icc if self.icc[16:20] == COLOUR_SPACES.get(channels) else b""

    def tiff_tags(self, dtype: np.dtype, channels: int) -> dict[str, Any]:
        """Arguments for tifffile's writer: the place, resolution and profile of an image of that type."""
        extra = [
            (code, kind, 0 if kind == ASCII else len(value), _bytes(value), True)
            for code, (kind, value) in sorted(self.geo.items())
            if code != GDAL_NODATA or fits(value, dtype)
        ]
        if profile := self.profile(channels):
            extra.append((ICC_PROFILE, BYTES, len(profile), profile, True))
        given: dict[str, Any] = {"extratags": extra} if extra else {}
        if self.resolution:
            given |= {"resolution": self.resolution[:2], "resolutionunit": self.resolution[2]}
        return given

    def ome(self) -> dict[str, Any]:
        """What OME calls the pixel size and the channels, for tifffile's writer."""
        found: dict[str, Any] = {}
        if self.pixel_size and self.unit:
            for axis, length in zip("XY", self.pixel_size, strict=True):
                found |= {f"PhysicalSize{axis}": length, f"PhysicalSize{axis}Unit": self.unit}
        if self.channels:
            found["Channel"] = {"Name": list(self.channels)}
        return found


def read_metadata(path: str, page: str = "") -> Metadata | None:
    """Reads what a file says about its picture, from its headers; None where it says nothing or cannot be read.

    page: as in `parse_page`.
    """
    suffix = suffix_of(path)
    with suppress(Exception):  # the reader of the pixels says what is wrong with a file
        if suffix in TIFF:
            return _of_tiff(path, page)
        if suffix in VOLUMES or is_zarr(path):
            return _of_volume(path)
        with opened(image_source(path)) as file:
            icc, gamma = file.info.get("icc_profile") or b"", file.info.get("gamma") or 0.0
            if icc or gamma:
                return Metadata(upright_size(file), {}, icc=icc, gamma=gamma)
    return None


def gamma_chunk(gamma: float) -> PngInfo:
    """The gamma of a PNG file, for Pillow's writer."""
    chunks = PngInfo()
    chunks.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    return chunks


def png_chunks(metadata: Metadata, channels: int) -> bytes:
    """The profile and gamma as chunks of PNG, which stand behind the first 33 bytes of a file."""
    chunks = []
    if metadata.gamma:
        chunks.append((b"gAMA", struct.pack(">I", round(metadata.gamma * 100_000))))
    if profile := metadata.profile(channels):
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    return b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def _of_tiff(path: str, page: str) -> Metadata:
    with image_package("tifffile").TiffFile(image_source(path)) as file:
        series = choose_series(file, page)[0]
        first = series.keyframe
        size = first.imagelength, first.imagewidth
        orientation = first.tags.valueof(ORIENTATION, 1)
        geo = {
            code: (int(tag.dtype), tag.value)
            for code in GEOTIFF
            if orientation == 1 and (tag := first.tags.get(code)) is not None
        }
        across, down = (first.tags.valueof(code) for code in (282, 283))
        resolution = None
        if across and down and across[0] * across[1] * down[0] * down[1]:
            unit = int(first.tags.valueof(296, INCH))
            resolution = across[0] / across[1], down[0] / down[1], unit
        icc = first.tags.valueof(ICC_PROFILE) or b""
        found = Metadata(size, geo, resolution, icc=bytes(icc))
        if file.is_ome:
            found = _with_ome(found, file, series)
        elif file.is_imagej:
            found = _with_imagej(found, file.imagej_metadata or {})
        elif slide := APERIO.search(first.description):
            found = replace(found, pixel_size=(float(slide[1]), float(slide[1])), unit="\u00b5m")
        elif resolution and resolution[2] == CENTIMETER:
            found = replace(
                found, pixel_size=(1e4 / resolution[0], 1e4 / resolution[1]), unit="\u00b5m"
            )
        if not (found.style or file.is_shaped) and first.description.isascii():
            found = replace(found, description=first.description)
        c = parse_page(page).get("c")
    if c is not None and c < len(found.channels):
        found = replace(found, channels=found.channels[c : c + 1])
    if orientation >= 5:
        found = replace(
            found,
            size=found.size[::-1],
            resolution=resolution and (resolution[1], resolution[0], resolution[2]),
            pixel_size=found.pixel_size and found.pixel_size[::-1],
        )
    return found


def _with_ome(found: Metadata, file: Any, series: Any) -> Metadata:
    found = replace(found, style="ome")
    with suppress(Exception):  # XML of any kind
        if "<!ENTITY" in file.ome_metadata:
            return found
        images = image_package("tifffile").xml2dict(file.ome_metadata)["OME"]["Image"]
        image = images[file.series.index(series)] if isinstance(images, list) else images
        pixels = image["Pixels"]
        channels = pixels.get("Channel", [])
        channels = channels if isinstance(channels, list) else [channels]
        names = tuple(str(one.get("Name", "")) for one in channels)
        found = replace(found, channels=names if any(names) else ())
        width, height = float(pixels["PhysicalSizeX"]), float(pixels["PhysicalSizeY"])
        unit = str(pixels.get("PhysicalSizeXUnit", "\u00b5m"))
        if unit == str(pixels.get("PhysicalSizeYUnit", "\u00b5m")):
            found = replace(found, pixel_size=(width, height), unit=UNITS.get(unit, unit))
    return found


def _with_imagej(found: Metadata, said: Mapping[str, Any]) -> Metadata:
    unit = str(said.get("unit", ""))
    labels = tuple(map(str, said.get("Labels") or ()))
    known = UNITS.get(unit.lower(), "")
    length = (
        (1 / found.resolution[0], 1 / found.resolution[1]) if found.resolution and known else None
    )
    named = labels if len(labels) == said.get("channels", 1) else ()
    return replace(found, style="imagej", pixel_size=length, unit=known or unit, channels=named)


def _of_volume(path: str) -> Metadata:
    source, suffix = image_source(path), suffix_of(path)
    if suffix in (".dcm", ".dicom"):
        header = image_package("pydicom").dcmread(source, stop_before_pixels=True)
        spacing = header.get("PixelSpacing") or header.get("ImagerPixelSpacing")
        down, across = map(float, spacing)
        return Metadata(
            (int(header.Rows), int(header.Columns)),
            {},
            pixel_size=(across, down),
            unit="mm",
            style="ome",
        )
    if suffix in VOLUMES:
        image = image_package("nibabel").load(source)
        across, down = map(float, image.header.get_zooms()[:2])
        unit = UNITS.get(image.header.get_xyzt_units()[0].replace("unknown", "mm"), "mm")
        return Metadata(image.shape[1::-1], {}, pixel_size=(across, down), unit=unit, style="ome")
    array, axes, _ = open_zarr(str(source))
    scales = image_package("zarr").open(source, mode="r").attrs.asdict()
    scale = (scales.get("multiscales") or scales["ome"]["multiscales"])[0]
    steps = next(
        t["scale"] for t in scale["datasets"][0]["coordinateTransformations"] if "scale" in t
    )
    x, y = axes.index("X"), axes.index("Y")
    unit = str(scale["axes"][x].get("unit", ""))
    size = array.shape[y], array.shape[x]
    return Metadata(
        size,
        {},
        pixel_size=(float(steps[x]), float(steps[y])),
        unit=UNITS.get(unit, unit),
        style="ome",
    )


def _moved(
    geo: dict[int, tuple[int, Any]], down: float, across: float, placement: Placement
) -> dict[int, tuple[int, Any]]:
    """GeoTIFF's tags of a picture that was resized and cut out (OGC 19-008r4, requirements on model tags)."""
    keys = geo.get(GEO_KEYS, (0, ()))[1]
    entries = [tuple(keys[i : i + 4]) for i in range(4, len(keys), 4)]
    point = any(
        (entry[0], entry[3]) == (RASTER_TYPE, PIXEL_IS_POINT)
        for entry in entries
        if len(entry) == 4
    )
    middle = 0.5 if point else 0.0
    moved = dict(geo)
    if PIXEL_SCALE in geo:
        kind, (x, y, *z) = geo[PIXEL_SCALE]
        moved[PIXEL_SCALE] = kind, (x / across, y / down, *z)
    if TIE_POINTS in geo:
        kind, values = geo[TIE_POINTS]
        points = np.array(values, np.float64).reshape(-1, 6)
        points[:, 0] = (points[:, 0] + middle) * across - placement.left - middle
        points[:, 1] = (points[:, 1] + middle) * down - placement.top - middle
        moved[TIE_POINTS] = kind, tuple(points.ravel().tolist())
    if TRANSFORMATION in geo:
        kind, values = geo[TRANSFORMATION]
        to_file = np.eye(4)  # column and row in the result -> those in the file
        to_file[0, [0, 3]] = 1 / across, (placement.left + middle) / across - middle
        to_file[1, [1, 3]] = 1 / down, (placement.top + middle) / down - middle
        matrix = np.array(values, np.float64).reshape(4, 4) @ to_file
        moved[TRANSFORMATION] = kind, tuple(matrix.ravel().tolist())
    return moved


def _without_bands(text: Any) -> str:
    """GDAL's XML of the whole image alone; "" where it cannot be read or nothing is left."""
    with suppress(ElementTree.ParseError, ValueError, TypeError):
        if "<!" in text:  # entities, which may expand to anything
            return ""
        root = ElementTree.fromstring(text)
        for item in list(root):
            if "sample" in item.attrib:
                root.remove(item)
        return ElementTree.tostring(root, encoding="unicode") if len(root) else ""
    return ""


def fits(nodata: Any, dtype: np.dtype) -> bool:
    """Tells whether a pixel of that type can have the value, a number or text, that stands for no data."""
    try:
        value = float(nodata)
    except (TypeError, ValueError):
        return False
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return value.is_integer() and limits.min <= value <= limits.max


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
