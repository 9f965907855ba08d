"""Packages that only some kinds of image files need, imported when such a file comes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from util.errors import InputError

NEEDED_FOR = {
    "tifffile": "this kind of TIFF file needs tifffile: pip install tifffile, and imagecodecs for files compressed by "
    "JPEG, JPEG 2000 or LZW",
    "imagecodecs": "colour PNG files of 16 bits need imagecodecs: pip install imagecodecs "
    "(--range_A 0,255 --range_B 0,255 does with their upper 8 bits)",
    "OpenEXR": "EXR files need OpenEXR: pip install OpenEXR",
    "pydicom": "DICOM files need pydicom: pip install pydicom",
    "nibabel": "NIfTI files need nibabel: pip install nibabel",
    "zarr": "Zarr images need zarr: pip install zarr",
}


def image_package(name: str) -> Any:
    """Imports a package of NEEDED_FOR. Raises: InputError when it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise InputError(NEEDED_FOR[name]) from None
