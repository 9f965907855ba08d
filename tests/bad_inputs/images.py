"""Image files: damaged, deep, turned, of other kinds than their names say."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from conftest import picture
from PIL import Image, features

from bad_inputs.commands import train_run, translate, two_folders, weights
from bad_inputs.kind import BadInput

COLOUR = picture(0, 20, 24)
GREY = COLOUR[..., 0]
PICTURE = Image.fromarray(COLOUR)
UNREADABLE = "cannot be read as an image"
UNALIGNED = ["--dataset_mode", "unaligned"]  # with one generator instead of two
NO_FILE = "is missing or not a plain file"


def as_bytes(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(width: int, height: int, *chunks: bytes, interlaced: int = 0) -> bytes:
    """A grey 8-bit PNG that declares a size; the chunks follow."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def rows(array: np.ndarray) -> bytes:
    """Unfiltered PNG rows."""
    return b"".join(b"\0" + row.tobytes() for row in array)


def interlaced_png() -> bytes:
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    parts = [GREY[y::dy, x::dx] for y, x, dy, dx in [*passes, (1, 0, 2, 1)]]
    return png(24, 20, chunk(b"IDAT", zlib.compress(b"".join(map(rows, parts)))), interlaced=1)


def plain_png(*chunks: bytes) -> bytes:
    return png(24, 20, *chunks, chunk(b"IDAT", zlib.compress(rows(GREY))))


def tiff(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    return file.getvalue()


def dicom(rows: int, columns: int, pixels: bytes) -> bytes:
    """A DICOM file of 16-bit grey levels that declares a size, as PS3.10 has it."""

    def element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
        wide = kind in (b"OW", b"OB")
        length = struct.pack("<2xI", len(value)) if wide else struct.pack("<H", len(value))
        return struct.pack("<HH", group, number) + kind + length + value

    def number(group: int, place: int, value: int) -> bytes:
        return element(group, place, b"US", struct.pack("<H", value))

    return b"".join([
        bytes(128) + b"DICM",
        element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1\0"),
        number(0x28, 2, 1),
        element(0x28, 4, b"CS", b"MONOCHROME2 "),
        *(number(0x28, place, size) for place, size in ((0x10, rows), (0x11, columns))),
        *(number(0x28, place, bits) for place, bits in ((0x100, 16), (0x101, 16), (0x102, 15))),
        number(0x28, 0x103, 0),
        element(0x7FE0, 0x10, b"OW", pixels),
    ])  # fmt: skip


def nifti(*shape: int, pixels: bytes = b"") -> bytes:
    """A NIfTI file of 8-bit numbers that declares a shape."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into(f"<{1 + len(shape)}h", header, 40, len(shape), *shape)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<4f", header, 76, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    return bytes(header) + pixels


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return as_bytes(PICTURE, "PNG", exif=exif)


def with_transparency(mode: str) -> Image.Image:
    image = PICTURE.convert(mode)
    image.putalpha(Image.fromarray(GREY))
    return image


def palette(**how: object) -> bytes:
    return as_bytes(Image.fromarray(COLOUR // 64 * 64).quantize(64), "PNG", **how)


def upright(o: int) -> np.ndarray:
    """The picture as an EXIF orientation asks for it to be shown."""
    flipped = COLOUR[:, ::-1] if o in (2, 4, 5, 7) else COLOUR
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: -1, 7: -1, 8: 1}[o]
    return np.rot90(flipped, turns)


# name of the file, its bytes, and the pixels that must be seen; or only their (height, width)
GOOD: dict[str, tuple[str, Callable[[], bytes], np.ndarray | tuple[int, int]]] = {
    "JPEG named .png": ("x.png", lambda: as_bytes(PICTURE, "JPEG"), (20, 24)),
    "progressive JPEG": ("x.jpg", lambda: as_bytes(PICTURE, "JPEG", progressive=True), (20, 24)),
    "CMYK JPEG": ("x.jpeg", lambda: as_bytes(PICTURE.convert("CMYK"), "JPEG"), (20, 24)),
    "JPEG with damaged EXIF": ("x.jpg", lambda: as_bytes(PICTURE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), (20, 24)),
    "BMP": ("x.bmp", lambda: as_bytes(PICTURE, "BMP"), COLOUR),
    "PPM": ("x.ppm", lambda: as_bytes(PICTURE, "PPM"), COLOUR),
    "WEBP": ("x.webp", lambda: as_bytes(PICTURE, "WEBP", lossless=True), COLOUR),
    "GIF of several frames named .webp": ("x.webp", lambda: as_bytes(PICTURE, "GIF", save_all=True, append_images=[Image.new("RGB", (24, 20))]), (20, 24)),
    "TIFF of several pages": ("x.tiff", lambda: as_bytes(PICTURE, "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))]), COLOUR),
    "one pixel": ("x.png", lambda: as_bytes(Image.new("RGB", (1, 1), (9, 99, 255)), "PNG"), np.uint8([[[9, 99, 255]]])),
    "one pixel high": ("x.png", lambda: as_bytes(Image.fromarray(COLOUR[:1]), "PNG"), COLOUR[:1]),
    "one pixel wide": ("x.png", lambda: as_bytes(Image.fromarray(COLOUR[:, :1]), "PNG"), COLOUR[:, :1]),
    "16-bit grey PNG": ("x.png", lambda: as_bytes(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"), GREY),
    "16-bit grey TIFF": ("x.tif", lambda: tiff(GREY.astype(np.uint16) * 257), GREY),
    "16-bit colour TIFF": ("x.tif", lambda: tiff(COLOUR.astype(np.uint16) * 257), COLOUR),
    "32-bit float TIFF, 0 to 1": ("x.tif", lambda: tiff((GREY / 255).astype(np.float32)), GREY),
    "1-bit PNG": ("x.png", lambda: as_bytes(Image.fromarray(GREY > 127), "PNG"), (GREY > 127) * np.uint8(255)),
    "grey with transparency": ("x.png", lambda: as_bytes(with_transparency("L"), "PNG"), np.asarray(PICTURE.convert("L"))),
    "colour with transparency": ("x.png", lambda: as_bytes(with_transparency("RGB"), "PNG"), COLOUR),
    "palette": ("x.png", palette, COLOUR // 64 * 64),
    "palette with transparency": ("x.png", lambda: palette(transparency=bytes([0, 128, 255])), COLOUR // 64 * 64),
    "DICOM": ("x.dcm", lambda: dicom(20, 24, GREY.astype("<u2").tobytes()), (20, 24)),
    "NIfTI": ("x.nii", lambda: nifti(24, 20, pixels=GREY.T.tobytes("F")), GREY),
    "NIfTI in gzip": ("x.nii.gz", lambda: gzip.compress(nifti(24, 20, pixels=GREY.T.tobytes("F"))), GREY),
    "interlaced PNG": ("x.png", interlaced_png, GREY),
    "PNG with two megabytes of text": ("x.png", lambda: plain_png(chunk(b"tEXt", b"a\0" + b"b" * 2_000_000)), GREY),
    **{f"EXIF orientation {o}": ("x.png", lambda o=o: turned(o), upright(o)) for o in range(1, 9)},
}  # fmt: skip
if features.check("jpg_2000"):
    GOOD["JPEG 2000 named .jpg"] = ("x.jpg", lambda: as_bytes(PICTURE, "JPEG2000"), COLOUR)

BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "truncated PNG": ("x.png", lambda: as_bytes(PICTURE, "PNG")[:300]),
    "PNG cut in its header": ("x.png", lambda: as_bytes(PICTURE, "PNG")[:20]),
    "truncated JPEG": ("x.jpg", lambda: as_bytes(PICTURE, "JPEG")[:400]),
    "truncated TIFF": ("x.tif", lambda: as_bytes(PICTURE, "TIFF")[:-800]),
    "truncated WEBP": ("x.webp", lambda: as_bytes(PICTURE, "WEBP")[:60]),
    "empty file": ("x.png", lambda: b""),
    "text": ("x.png", lambda: b"hello\n"),
    "SVG": ("x.png", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    "web page": ("x.jpg", lambda: b"<!DOCTYPE html><title>404</title>"),
    "PNG with a damaged checksum": ("x.png", lambda: plain_png().replace(b"\x08\0\0\0\0", b"\x08\0\0\0\1", 1)),
    "PNG without pixels": ("x.png", lambda: png(24, 20)),
    "PNG of no width": ("x.png", lambda: png(0, 20)),
    "PNG that unpacks to 20 megabytes of text": ("x.png", lambda: plain_png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20 << 20), 1)))),
    "decompression bomb": ("x.png", lambda: png(30_000, 30_000, chunk(b"IDAT", zlib.compress(bytes(999))))),
    "small PNG of 13,000 squared": ("x.png", lambda: png(13_000, 13_000, chunk(b"IDAT", zlib.compress(bytes(999))))),
    "PNG of two billion squared": ("x.png", lambda: png(2**31 - 1, 2**31 - 1)),
    "text named .dcm": ("x.dcm", lambda: b"hello\n"),
    "truncated DICOM": ("x.dcm", lambda: dicom(20, 24, GREY.astype("<u2").tobytes())[:-90]),
    "DICOM that declares four billion pixels": ("x.dcm", lambda: dicom(65_535, 65_535, b"")),
    "text named .nii": ("x.nii", lambda: b"hello\n"),
    "truncated NIfTI": ("x.nii", lambda: nifti(24, 20, pixels=bytes(90))),
    "NIfTI that declares a billion pixels": ("x.nii", lambda: nifti(32_000, 32_000)),
    "NIfTI cut off in gzip": ("x.nii.gz", lambda: gzip.compress(nifti(24, 20, pixels=GREY.tobytes()))[:200]),
    "NIfTI of no width": ("x.nii", lambda: nifti(0, 20)),
}  # fmt: skip
NOT_FINITE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "float TIFF with NaN": ("x.tif", lambda: tiff(np.float32([[0, np.nan], [1, 1]]))),
    "float TIFF with infinity": ("x.tif", lambda: tiff(np.float32([[0, np.inf], [1, 1]]))),
}


# Floats that go beyond 0 to 1: their range must be declared, unless other files have settled it.
UNDECLARED: dict[str, tuple[str, Callable[[], bytes], np.ndarray]] = {
    "32-bit float TIFF, 0 to 255": ("x.tif", lambda: tiff(GREY.astype(np.float32)), GREY),
    "32-bit float TIFF, below 0": ("x.tif", lambda: tiff(GREY.astype(np.float32) - 1000), GREY * 0),
}  # fmt: skip


NOT_FILES: dict[str, Callable[[Path], None]] = {
    "dangling link": lambda path: path.symlink_to("nowhere.png"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "FIFO": lambda path: os.mkfifo(path),
}


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def shown(folder: Path, wanted: np.ndarray | tuple[int, int]) -> None:
    """Complains unless the result page's copy of the input has these pixels, in colour or grey."""
    found = np.asarray(Image.open(folder / "results/run/test_latest/images/x_real.png"))
    assert found.dtype == np.uint8
    if isinstance(wanted, tuple):
        assert found.shape == (*wanted, 3)
        return
    grey = wanted[..., None].repeat(3, -1) if wanted.ndim == 2 else wanted
    assert found.shape == grey.shape
    assert np.array_equal(found, grey), f"off by {np.abs(found.astype(int) - grey).max()}"


def translated(kind: str, name: str, content: Callable[[], bytes], **ends: object) -> BadInput:
    def make(folder: Path):
        put(folder / "given" / name, content())
        weights(folder)
        return lambda: translate(folder)

    return BadInput("image", f"{kind}, translated", make, **ends)


def trained(kind: str, name: str, content: Callable[[], bytes], *flags: str, says="") -> BadInput:
    def make(folder: Path):
        put(two_folders(folder) / "trainA" / name, content())
        return lambda: train_run(folder, *UNALIGNED, *flags)

    return BadInput("image", f"{kind}, trained with{'out' if says else ''}", make, says)


def not_a_file(kind: str, make_it: Callable[[Path], None]) -> BadInput:
    def make(folder: Path):
        make_it(two_folders(folder) / "trainA/x.png")
        return lambda: train_run(folder, *UNALIGNED)

    return BadInput("image", kind, make, f"x.png: {NO_FILE}")


def zarr_without_arrays() -> BadInput:
    def make(folder: Path):
        put(folder / "given/x.zarr/.zgroup", b'{"zarr_format": 2}')
        weights(folder)
        return lambda: translate(folder)

    return BadInput("image", "Zarr without arrays", make, f"x.zarr: {UNREADABLE}")


def thin(mode: str, width: int, height: int) -> BadInput:
    """Scaling to the crop would make gigabytes of a file of a few bytes."""

    def make(folder: Path):
        image = Image.new("L", (width, height))
        put(two_folders(folder) / "trainA/x.png", as_bytes(image, "PNG"))
        flags = ["--preprocess", mode, "--load_size", "512", "--crop_size", "512"]
        return lambda: train_run(folder, *UNALIGNED, *flags)

    return BadInput(
        "image", f"{width}x{height} pixels with {mode}", make, f"--preprocess {mode} would make"
    )


KINDS = [
    *(translated(k, n, c, check=lambda f, w=w: shown(f, w)) for k, (n, c, w) in GOOD.items()),
    *(
        translated(k, n, c, says="declare what all files lie")
        for k, (n, c, _) in UNDECLARED.items()
    ),
    *(trained(k, n, c) for k, (n, c, _) in UNDECLARED.items()),
    *(trained(k, n, c) for k, (n, c, _) in GOOD.items() if not k.startswith("EXIF")),
    *(translated(k, n, c, says=f"{n}: {UNREADABLE}") for k, (n, c) in BAD.items()),
    *(translated(k, n, c, says=f"{n}: holds infinite") for k, (n, c) in NOT_FINITE.items()),
    *(trained(k, n, c, says=f"{n}: {UNREADABLE}") for k, (n, c) in list(BAD.items())[:6]),
    *(
        trained(f"{k}, skipped", n, c, "--bad_images", "skip")
        for k, (n, c) in {**BAD, **NOT_FINITE}.items()
    ),
    *(not_a_file(k, make_it) for k, make_it in NOT_FILES.items() if hasattr(os, "mkfifo")),
    zarr_without_arrays(),
    thin("scale_width_and_crop", 65_000, 1),
    thin("scale_width", 1, 65_000),
]
