"""scripts/edges/batch_edges.py after its flags: reads photographs or soft edges, draws edges and pairs."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from data.files.image_folder import list_images
from data.files.join_pairs import check_place, join_pictures, read_8_bits, write_picture
from data.files.pairs import names_of
from options.wording import count
from scripts.edges.lines import canny_edges, clean, drawn_edges
from util.errors import InputError


def draw_edges(options: argparse.Namespace) -> int:
    """Draws the edges; returns the exit status."""
    photos = find_images(options.images_dir, "--images_dir") if options.images_dir else {}
    sources = find_soft(options.soft_dir) if options.soft_dir else photos
    if options.pairs_dir:
        missing = sorted(sources.keys() - photos.keys())
        if missing:
            raise InputError(f"--pairs_dir needs a photo of {missing[0]} in --images_dir")
    folders = [folder for folder in (options.edge_dir, options.pairs_dir) if folder]
    for folder in folders:
        check_place([folder / f"{name}.png" for name in sources])
    for name, path in tqdm(sources.items(), unit=" images", leave=False, disable=None):
        edges = edges_of_soft(path, options) if options.soft_dir else edges_of_photo(path, options)
        drawing = Image.fromarray(np.where(edges, 0, 255).astype(np.uint8))
        write_picture(options.edge_dir / f"{name}.png", drawing)
        if options.pairs_dir:
            photo = resize(Image.fromarray(read_8_bits(photos[name])), drawing.size)
            pair = join_pictures(drawing.convert("RGB"), photo)
            write_picture(options.pairs_dir / f"{name}.png", pair)
    for folder in folders:
        print(f"{folder}: {count(len(sources), 'image')}")
    return 0


def find_images(folder: Path, flag: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{flag}: there is no folder {folder}")
    return names_of(list_images(folder), folder)


def find_soft(folder: Path) -> dict[str, Path]:
    """Finds soft edges by name: .mat files if there are any, otherwise images."""
    tables = sorted(folder.glob("*.mat")) if folder.is_dir() else []
    return {path.stem: path for path in tables} or find_images(folder, "--soft_dir")


def edges_of_photo(path: Path, options: argparse.Namespace) -> np.ndarray:
    """(H, W) bool."""
    width = options.image_width
    photo = resize(Image.fromarray(read_8_bits(path, 1)), (width, width) if width else None)
    edges = canny_edges(np.asarray(photo) / 255, options.sigma, options.low, options.high)
    return clean(edges, options.small_edge)


def edges_of_soft(path: Path, options: argparse.Namespace) -> np.ndarray:
    """(H, W) bool."""
    soft = (
        read_mat(path) if path.suffix == ".mat" else read_8_bits(path, 1).astype(np.float32) / 255
    )
    width = options.image_width
    picture = resize(Image.fromarray(soft), (width, width) if width else None)
    return drawn_edges(np.asarray(picture), options.threshold, options.small_edge)


def resize(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    if size is None or size == image.size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC)


def read_mat(path: Path) -> np.ndarray:
    """(H, W) float32 in [0, 1], of a file that the older batch_hed.py wrote. Raises: InputError for others."""
    from scipy.io import loadmat  # scikit-image needs SciPy: it is there

    try:
        table = loadmat(path)
        soft = table.get("edge_predict", table.get("predict"))
        if soft is None or soft.ndim != 2 or not soft.size:
            raise ValueError("it holds no table edge_predict or predict")
        soft = soft.astype(np.float32)
        if not (np.isfinite(soft).all() and soft.min() >= 0 and soft.max() <= 1):
            raise ValueError("its values are not from 0 to 1")
    except Exception as error:  # SciPy has many words for a damaged file
        raise InputError(f"{path}: cannot be read as soft edges ({error})") from None
    return soft
