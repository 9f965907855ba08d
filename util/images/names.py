"""Names of image files and tars, on disk and in tars."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import PurePath
from typing import TypeVar

JPEG = frozenset((".jpg", ".jpeg", ".jfif"))
ARRAYS = frozenset((".npy", ".npz"))  # which count only where there are no images beside them
TIFF = (".tif", ".tiff", ".svs", ".ndpi", ".btf", ".tf8")
VOLUMES = frozenset((".dcm", ".dicom", ".nii", ".nii.gz"))
ZARR = ".zarr"  # a folder
NO_PICTURES = ARRAYS | VOLUMES | {ZARR, ".exr"}  # that Pillow does not read
EXTENSIONS = JPEG | ARRAYS | VOLUMES | {".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".exr"}
# Of images in formats that are not read.
UNREAD = frozenset((
    ".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".raw", ".dng",
    ".cr2", ".cr3", ".nef", ".arw", ".hdr", ".tga", ".ico", ".pgm", ".pbm",
    ".pnm", ".jpe", ".jfi", ".jif", ".apng", ".eps", ".pdf", ".mat", ".h5", ".czi", ".lif",
    ".nd2", ".svs", ".ndpi",
))  # fmt: skip
COMPRESSED_TAR = re.compile(r".+\.(tgz|tbz2?|txz|tar\.(gz|bz2|xz|zst|lz4|lzma|Z))", re.I)
TAR_INDEX = ".index"  # what the name of a tar's index file ends in, behind that of the tar


def suffix_of(name: str) -> str:
    """Returns the extension of a file's name in small letters; .nii.gz is one."""
    stem, suffix = os.path.splitext(name.lower())
    return f".nii{suffix}" if suffix == ".gz" and stem.endswith(".nii") else suffix


Place = TypeVar("Place", bound=PurePath)


def without_suffix(path: Place) -> Place:
    """Takes the extension, .nii.gz as a whole, off a path."""
    suffix = suffix_of(path.name)
    return path.with_name(path.name[: -len(suffix)]) if suffix else path


def is_image(name: str) -> bool:
    """Tells whether a file name has an image's extension, in any case."""
    return not name.startswith(".") and suffix_of(name) in EXTENSIONS


def is_zarr(name: str) -> bool:
    """Tells whether the name of a folder is that of a Zarr image."""
    return not os.path.basename(name).startswith(".") and suffix_of(name) == ZARR


def is_tar(name: str) -> bool:
    """Tells whether a file name is that of a plain tar."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() == ".tar"


def is_compressed_tar(name: str) -> bool:
    """Tells whether a file name is that of a tar in which nothing can be found without unpacking all of it."""
    return not name.startswith(".") and COMPRESSED_TAR.fullmatch(name) is not None


def member_image(name: str) -> str | None:
    """A tar member's name, such that it leads nowhere but into the tar; None unless it is that of an image.

    Members that are hidden, or lie in hidden folders, are none.
    """
    inside = posixpath.normpath("/" + name.replace(os.sep, "/")).strip("/")  # "/.." is "/"
    hidden = any(part.startswith(".") for part in inside.split("/"))
    return inside if not hidden and "\0" not in inside and is_image(inside) else None
