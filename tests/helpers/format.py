"""A network that changes nothing, from files to results: what comes back is what reading and writing make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from torch import nn

from data.held_out import held_out_loader, readable
from helpers.data import dataset
from models.base_model import BaseModel
from models.inference.translate_dataset import read_ahead, share_translations, translations
from options.base_options import ModelOptions
from util.images.write import ValueWriter
from util.pages.results import ResultWriter


class Unchanged(BaseModel):
    """Shows its input as `fake_B`."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__(options)
        self.G = nn.Identity()

    def image(self, batch, name):
        return batch[name]

    def translate(self, batch):
        return {"real": batch["A"], "fake_B": batch["A"]}


def passed_through(root: Path, out: Path, *, save_format: str = "auto", **flags) -> Path:
    """The result folder of an unchanging test of --dataset_mode single."""
    channels = flags.get("input_nc", 3)
    images = dataset(root, "single", output_nc=channels, **flags)
    values = ValueWriter(images.values, save_format, images.placement)
    loader = held_out_loader(images, float("inf"), 1, torch.device("cpu"))
    writer = ResultWriter(
        out, "t", dataroot=str(root), phase="test", width=64, write_values=values.write
    )
    model = Unchanged(ModelOptions(input_nc=channels, output_nc=channels))
    own = translations(
        model, read_ahead(readable(loader)), 0, torch.device("cpu"), whole=False, kept=values
    )
    with writer:
        for one, facts in share_translations(own):
            writer.add(one.number, one.paths, one.pictures, one.values, facts)
    return out


def noise(dtype: type, *shape: int) -> np.ndarray:
    """Every value the type can have, or floats in [0, 1), from the same seed."""
    rng = np.random.default_rng(0)
    if np.issubdtype(dtype, np.floating):
        return rng.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    array = rng.integers(limits.min, limits.max + 1, shape, dtype=dtype)
    array.flat[:2] = limits.min, limits.max
    return array


def write(path: Path, array: np.ndarray) -> None:
    """In the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".npz":
        np.savez_compressed(path, image=array, other=1)
    elif path.suffix == ".tif":
        photometric = "rgb" if array.shape[2:] == (3,) else "minisblack"
        planar = "contig" if array.ndim == 3 else None
        tifffile.imwrite(path, array, photometric=photometric, planarconfig=planar)
    elif array.dtype == np.uint16 and array.ndim == 3:
        import imagecodecs

        path.write_bytes(imagecodecs.png_encode(array))
    else:
        Image.fromarray(array).save(path)
