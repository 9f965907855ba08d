"""What a run's generator is fed: pictures of its data set, as they reach the network, and their colours."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageOps

from data import dataset_options
from data.held_out import open_held_out
from data.image_reader import BadImage
from models import model_options
from options.test_options import TestOptions
from util.images import to_uint8

NEAR = 24  # grey levels in any channel within which two colours are one to the eye


def input_pictures(
    flags: Sequence[str], side: str, phase: str, size: int, most: int
) -> list[Image.Image]:
    """Up to `most` inputs of a split, evenly picked, as the network sees them: squares of `size` pixels.

    Args:
        flags: of test.py, which say the run and its data.
        side: "A" or "B", the domain that is translated.
    Raises: InputError when there are no images.
    """
    options = TestOptions.parse([*flags, "--phase", phase], model_options, dataset_options)
    dataset = open_held_out(options.data, options.model, phase, 0)
    chosen = range(0, len(dataset), max(1, len(dataset) // most))[:most]
    pictures = []
    for index in chosen:
        try:
            image = dataset.item(index, random.Random(0))[side]
        except BadImage:  # a demo does without it
            continue
        array = image.movedim(0, -1).numpy() if image.dtype == torch.uint8 else to_uint8(image)
        picture = Image.fromarray(np.ascontiguousarray(array.squeeze())).convert("RGB")
        pictures.append(ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC))
    return pictures


def palette(pictures: Sequence[Image.Image], most: int = 12) -> list[str]:
    """The colours that stand for most of the pictures, as #rrggbb, the commonest first.

    Of each group of similar colours the commonest one, exactly: of label maps these are the labels.
    """
    strip = Image.fromarray(np.concatenate([np.asarray(one) for one in pictures]))
    groups = np.asarray(strip.quantize(2 * most, Image.Quantize.MAXCOVERAGE)).ravel()
    r, g, b = np.asarray(strip).reshape(-1, 3).astype(np.int64).T
    codes = r << 16 | g << 8 | b
    found = Counter[int]()
    for group in np.unique(groups):
        values, counts = np.unique(codes[groups == group], return_counts=True)
        found[int(values[counts.argmax()])] += int(counts.sum())
    kept: list[int] = []
    for code, _ in found.most_common():
        if all(_distance(code, other) > NEAR for other in kept):
            kept.append(code)
    return [f"#{code:06x}" for code in kept[:most]]


def _distance(one: int, other: int) -> int:
    return max(abs((one >> shift & 255) - (other >> shift & 255)) for shift in (0, 8, 16))
