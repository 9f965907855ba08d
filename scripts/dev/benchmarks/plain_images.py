"""Images as the original code loads, translates and writes them: what benchmarks compare with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import Dataset
from torchvision import transforms


def preprocessing(load_size: int, crop_size: int, augment: bool) -> transforms.Compose:
    """torchvision's classes on Pillow images."""
    bicubic = transforms.InterpolationMode.BICUBIC
    chance = [transforms.RandomCrop(crop_size), transforms.RandomHorizontalFlip()]
    return transforms.Compose(
        [
            transforms.Resize([load_size, load_size], bicubic),
            *(chance if augment else []),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )


class PlainImages(Dataset):
    """Every image of a folder, decoded and resized each time."""

    def __init__(self, paths: Sequence[Path], load_size: int, crop_size: int) -> None:
        self.paths, self.transform = paths, preprocessing(load_size, crop_size, augment=True)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, object]:
        path = self.paths[index]
        return {"A": self.transform(Image.open(path).convert("RGB")), "A_paths": str(path)}


def translate_pairs(network: nn.Module, paths: Sequence[Path], size: int, folder: Path) -> None:
    """Pair by pair: load, translate, write three images."""
    folder.mkdir(exist_ok=True)
    transform = preprocessing(size, size, augment=False)
    device = next(network.parameters()).device
    for path in paths:
        pair = Image.open(path).convert("RGB")
        width, height = pair.size
        halves = (pair.crop((left, 0, left + width // 2, height)) for left in (0, width // 2))
        real_A, real_B = (transform(half) for half in halves)
        with torch.no_grad():
            fake_B = network(real_A[None].to(device))[0].cpu()
        for label, image in (("real_A", real_A), ("fake_B", fake_B), ("real_B", real_B)):
            levels = (np.transpose(image.numpy(), (1, 2, 0)) + 1) / 2 * 255
            Image.fromarray(levels.astype(np.uint8)).save(folder / f"{path.stem}_{label}.png")
