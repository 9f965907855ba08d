"""A trained generator as a function from images to images, for other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, overload

import numpy as np
import torch
from PIL import Image
from torch import nn

from models import Execution
from models.base_model import BaseModel
from models.engine.precision import Precision, select_precision
from models.inference.find_generator import (
    apply_norm_policy,
    build_generator,
    find_generator,
    values_of,
)
from models.inference.image_kinds import Back, to_network
from models.inference.translate_dataset import AT_ONCE
from models.inference.translate_file import translate_large
from models.networks.weights import describe_generator
from options.test_options import TILE_MODES
from options.wording import count
from util.checkpoints.inference_settings import UNKNOWN, InferenceSettings
from util.device import device_of
from util.images.values import INPUTS, OUTPUTS, Values

Kind = TypeVar("Kind", Image.Image, np.ndarray, torch.Tensor)
COUNTED = 256 * 256  # pixels of the images that batch_size counts


def load_translator(
    checkpoint: str | os.PathLike[str],
    *,
    direction: str | None = None,
    epoch: str | int = "latest",
    use_ema: bool | None = None,
    device: str | torch.device = "auto",
    precision: str = "auto",
    running_statistics: bool | None = None,
    batch_size: int = AT_ONCE,
    tile: int = 0,
    tile_mode: str = "exact",
    range_A: str | None = None,
    range_B: str | None = None,
    label_A: int | None = None,
    label_B: int | None = None,
    alpha: str | None = None,
    page: str | None = None,
    nodata: str | None = None,
) -> Translator:
    """Loads a function that translates images with a trained generator, as test.py does but without dropout.

    Args:
        checkpoint: folder of a run, checkpoints/NAME, with or without options.json; or one .pth file of a
            generator's weights. The file says itself which generator it is; epoch and use_ema are for folders.
        direction: "AtoB" or "BtoA", A and B being the domains of the data set; None for the direction of training.
        epoch: "latest", a number, "iter_N", "best_l1", or "best" for that by the first of --val_metrics.
        use_ema: the averaged weights of a run trained with --ema, or the raw ones; None for what the run was best with.
        device: such as "cpu" or "cuda:1"; "auto" is the first NVIDIA GPU, else Apple's, else the CPU.
        precision: "fp32", "bf16", "fp16"; "auto" is fp32, as in test.py.
        running_statistics: batch norm takes those of training (test.py --eval), not each image's own; None for what the
            run was best with, as test.py and all scripts do; each image's own for weights without a run.
        batch_size: images of 256 x 256 that may go through at once; of larger ones fewer do.
        tile, tile_mode: as in test.py: pixels of the squares that are computed one at a time, 0 for whole images.
        range_A, range_B, label_A, label_B, alpha, page, nodata: what files of inputs (A) and results (B) hold, as the
            flags say it; None for what the run was trained with, as far as its folder tells.
    Raises: InputError, a ValueError, when there is no such generator or device.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size} must be at least 1")
    if tile < 0:
        raise ValueError(f"tile {tile} must be at least 0")
    if tile_mode not in TILE_MODES:
        raise ValueError(f"tile_mode {tile_mode!r} is unknown: choose from {', '.join(TILE_MODES)}")
    chosen = device_of(device)
    arithmetic = select_precision(precision, chosen, training=False)
    saved = find_generator(Path(checkpoint), direction, epoch, use_ema)
    execution = Execution(chosen, arithmetic, tile=tile, tile_mode=tile_mode)
    model, generator = build_generator(saved, execution)
    policy = {None: "auto", False: "image", True: "running"}[running_statistics]
    settings = saved.settings.with_policy(policy)
    apply_norm_policy(model, settings.norm_policy)
    values = values_of(
        saved,
        range_A=range_A,
        range_B=range_B,
        label_A=label_A,
        label_B=label_B,
        alpha=alpha,
        page=page,
        nodata=nodata,
    )
    t = Translator(model, generator, chosen, batch_size, values, settings, saved.flags)
    for one in (t.inputs, t.outputs):
        if len(one.bounds.channels) not in (0, one.channels):
            raise ValueError(
                f"range_{one.side} {one.bounds} does not fit: the network has {one.channels} channels there"
            )
    for one, verb in ((t.inputs, "takes"), (t.outputs, "gives")):
        if one.labels not in (0, one.channels):
            raise ValueError(
                f"label_{one.side} {one.labels} does not fit: the network {verb} {count(one.channels, 'channel')}"
            )
    return t


class Translator:
    """Translates images of any size; each result has the size and kind of its input.

    Kinds: a PIL image; a NumPy array (H, W, C) or (H, W) of uint8, uint16 or floats in [0, 1]; a tensor (C, H, W) or
    (N, C, H, W) of uint8 or floats in [-1, 1]; the path of an image file, whose result is a PIL image; a list of these.
    Where inputs or outputs are more than pictures of 8 bits, arrays hold values of the files that the network was
    trained on.
    It may be called from several threads at once: no call changes it.

    Attributes:
        generator: the network, in evaluation mode.
        device: where it computes.
        input_nc, output_nc: channels of images and results.
        inputs, outputs: meaning of the values of images and results.
        settings: by which statistics and with which weights it translates, and why.
        flags: of its training; {} where no options.json tells them.
    """

    def __init__(
        self,
        model: BaseModel,
        generator: nn.Module,
        device: torch.device,
        batch_size: int,
        values: tuple[Values, Values] = (INPUTS, OUTPUTS),
        settings: InferenceSettings = UNKNOWN,
        flags: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self.generator, self.device, self.batch_size = generator, device, batch_size
        self.settings, self.flags = settings, flags
        known = describe_generator(generator.state_dict()) or vars(model.options)
        self.input_nc, self.output_nc = int(known["input_nc"]), int(known["output_nc"])
        self.inputs = replace(values[0], channels=self.input_nc)
        self.outputs = self.inputs.output(self.output_nc, values[1].declared, values[1].labels)

    @property
    def eight_bits(self) -> bool:
        """Tells whether images and results are pictures of 8 bits."""
        return self.inputs.eight_bits and self.outputs.eight_bits

    @property
    def precision(self) -> Precision:
        """Precision of the network's arithmetic."""
        return self._model.execution.precision

    @overload
    def __call__(self, image: str | os.PathLike[str]) -> Image.Image: ...
    @overload
    def __call__(self, image: Kind) -> Kind: ...
    @overload
    def __call__(self, image: list[Any] | tuple[Any, ...]) -> list[Any]: ...
    def __call__(self, image: Any) -> Any:
        """Translates an image into one of the same kind, type and size; a list into a list.

        Channels are converted where that is plain: grey for a network of colours, colours for one of grey; of
        pictures with transparency the colours count, whatever lies under them. Pictures come back in 8 bits.
        Raises: ValueError that says what is expected.
        """
        if isinstance(image, (list, tuple)):
            return list(self.stream(image))
        return next(self.stream([image]))

    def stream(self, images: Iterable[Any]) -> Iterator[Any]:
        """Translates images one after the other, holding no more of them than go through the network at once.

        Neighbours of equal size go through together.
        """
        waiting: list[tuple[torch.Tensor, Back]] = []
        for image in images:
            batch, back = to_network(image, self.inputs, self.outputs)
            if waiting and not _alike(waiting[0][0], batch):
                yield from self._translated(waiting)
                waiting = []
            waiting.append((batch, back))
            if sum(len(one) for one, _ in waiting) >= self.at_once(batch):
                yield from self._translated(waiting)
                waiting = []
        if waiting:
            yield from self._translated(waiting)

    def translate_tensor(self, images: torch.Tensor) -> torch.Tensor:
        """(N, input_nc, H, W) in [-1, 1] -> (N, output_nc, H, W) in [-1, 1], float32 on the device it came from."""
        with torch.no_grad():  # unlike those of inference mode, its results may be trained on
            parts = [self._compute(part) for part in images.split(self.at_once(images))]
            return torch.cat([part.to(images.device) for part in parts])

    def translate_file(
        self,
        source: Path,
        target: Path,
        values: tuple[Values, Values] | None = None,
        progress: Callable[[int, int], object] = lambda done, total: None,
        *,
        pyramid: bool = False,
    ) -> None:
        """Writes the translation of an image file that need not fit into memory, in tiles as `tile` said.

        Args:
            values: of the two files, where they are not those of training.
            progress: called with the number of parts done and of all.
            pyramid: write TIFF with smaller versions of the image in it, for viewers.
        Raises: InputError when a file cannot be read or written; ValueError without `tile`.
        """
        if not self._model.tiling.tile:
            raise ValueError("translating from file to file needs load_translator(..., tile=N)")
        inputs, outputs = values or (self.inputs, self.outputs)
        translate_large(
            self.generator,
            source,
            target,
            self._model.tiling,
            inputs=inputs,
            outputs=outputs,
            compute=self._model.compute,
            progress=progress,
            pyramid=pyramid,
        )

    def at_once(self, images: torch.Tensor) -> int:
        """Returns how many images as large as these go through the network at once."""
        return max(1, self.batch_size * COUNTED // images[0, 0].numel())

    def _compute(self, images: torch.Tensor) -> torch.Tensor:
        like = next(self.generator.parameters())
        images = images.to(
            self.device, like.dtype, memory_format=self._model.execution.memory_format
        )
        return self._model.translated(self.generator, images)

    def _translated(self, waiting: list[tuple[torch.Tensor, Back]]) -> Iterator[Any]:
        results = self.translate_tensor(torch.cat([batch for batch, _ in waiting]))
        sizes = [len(batch) for batch, _ in waiting]
        for (_, back), result in zip(waiting, results.split(sizes), strict=True):
            yield back(result)

    def __repr__(self) -> str:
        channels = f"{self.input_nc} -> {self.output_nc} channels"
        return f"Translator({type(self.generator).__name__}, {channels}, {self.device}, {self.precision})"


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tells whether two batches can be put together."""
    return one.shape[1:] == other.shape[1:] and one.device == other.device
