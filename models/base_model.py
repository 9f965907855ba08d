"""The base of all models: networks as attributes, a training step, a translation."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from models.engine.ema import Averages
from models.engine.image_pool import ImagePool
from models.engine.optimization import Adam, Engine, Step
from models.networks import define_G, own_flags
from models.tiling import Tiling, tiled
from options.base_options import ModelOptions
from options.types import TypedSize, sides
from util.errors import InputError
from util.images import SIDES, at_any_size
from util.images.label_maps import class_colours

Batch = Mapping[str, Any]


class FrozenNetworks(nn.ModuleDict):
    """Networks in evaluation mode, without gradients for their weights."""

    def __setitem__(self, name: str, network: nn.Module) -> None:
        super().__setitem__(name, network.requires_grad_(False).eval())

    def train(self, mode: bool = True) -> FrozenNetworks:
        """Stays in evaluation mode."""
        return super().train(False)


class BaseModel(Engine, ABC):
    """Subclass it: build networks and, when training, optimizers; write `train_step` and `translate`.

    Args:
        options: sizes and weights; an instance of the class's own `Options`.
        adam: makes optimizers; None builds for inference alone, without discriminators.
        seed: of randomness that is not torch's own.

    Attributes:
        Options: the group of command-line flags the model understands.
        sources: visual name -> "B" where an image belongs to the file in B_paths, not A_paths.
        plateau_losses: logged losses whose sum --lr_policy plateau watches; all when empty.
        guessing_NCE: the loss NCE when patches cannot be told apart, for a hint of the watchdog.
        leaves_out_missing: whether `train_step` leaves pixels without data out of its losses, by `valid_pixels`; each
            subclass has to declare it itself.
        pools: state that a resumed run needs, as the optimizers are.
        averages: of the generators' weights; see `average`.
        frozen_networks: name -> network that only measures or teaches: it moves with the model, and is neither trained
            nor saved.
    """

    Options: ClassVar[type[ModelOptions]] = ModelOptions
    sources: ClassVar[dict[str, str]] = {}
    plateau_losses: ClassVar[tuple[str, ...]] = ()
    guessing_NCE: float = math.inf
    leaves_out_missing: ClassVar[bool] = False

    def __init__(self, options: ModelOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__()
        self.options, self.seed = options, seed
        self.pools: dict[str, ImagePool] = {}
        self.averages: Averages | None = None
        self.frozen_networks = FrozenNetworks()

    def train_step(self, batch: Batch) -> Step:
        """One optimization step on a batch {A, B, A_paths, B_paths}, images in [-1, 1].

        A model that leaves this out can only test; `create_model` refuses to train it.
        """
        raise NotImplementedError

    @abstractmethod
    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Name -> images in [-1, 1] to show and save for a test batch of any image size."""

    def displayable(self, visuals: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Visuals as pictures, of which at most three channels are shown; called only when they are.

        Label maps become colours.
        """
        classes = {"A": self.options.label_A, "B": self.options.label_B}
        return {
            name: class_colours(images) if classes.get(SIDES.get(name, "")) else images
            for name, images in visuals.items()
        }

    def plateau_metric(self, losses: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        """The losses of a step whose sum --lr_policy plateau watches."""
        return [losses[name] for name in self.plateau_losses or losses]

    def networks(self) -> dict[str, nn.Module]:
        """Name -> network that the model computes with and saves: its attributes, without `frozen_networks`."""
        children = self.named_children()
        return {name: child for name, child in children if child is not self.frozen_networks}

    def average(self, decay: float) -> None:
        """Makes `averages` follow the generators, the networks called G..., from here on; the model must be on its device."""
        generators = {name: net for name, net in self.networks().items() if name.startswith("G")}
        self.averages = Averages(generators, decay)

    def saved_networks(self) -> dict[str, nn.Module]:
        """Name -> network: what is saved as <label>_net_<name>.pth."""
        return {**self.networks(), **(self.averages.networks if self.averages else {})}

    def stateful(self) -> dict[str, Any]:
        """Name -> object with state_dict and load_state_dict: what resuming needs besides networks."""
        kinds: dict[str, Mapping[str, Any]] = {
            "optimizer": self.optimizers,
            "pool": self.pools,
            "scaler": self.scalers,
        }
        state = {f"{kind}_{name}": item for kind in kinds for name, item in kinds[kind].items()}
        return {**state, "averages": self.averages} if self.averages else state

    def own_state(self) -> dict[str, Any]:
        """Name -> object of `stateful` that each process has for itself: the image pools."""
        return {f"pool_{name}": pool for name, pool in self.pools.items()}

    @property
    def size_multiple(self) -> int:
        """The number that the sides of training images must be multiples of."""
        return max((getattr(net, "size_multiple", 1) for net in self.children()), default=1)

    @property
    def smallest_input(self) -> int:
        """The least side of training images."""
        return max((getattr(net, "smallest_input", 1) for net in self.children()), default=1)

    def check_crop_size(self, crop_size: TypedSize) -> None:
        """Raises: InputError when crops of this size do not go through the networks."""
        multiple = self.size_multiple
        height, width = sides(crop_size)
        if height % multiple or width % multiple:
            near = [_multiples(side, multiple) for side in (height, width)]
            advice = near[0] if height == width else f"{near[0]} for height, {near[1]} for width"
            raise InputError(
                f"--crop_size {crop_size} does not fit --netG {self.options.netG}, whose images must have "
                f"sides that are multiples of {multiple}: use {advice}"
            )
        if min(height, width) < self.smallest_input:
            raise InputError(
                f"--crop_size {crop_size} is too small for --netD {self.options.netD}, which needs at least "
                f"{self.smallest_input}; --netD pixel, or n_layers with fewer --n_layers_D, need less"
            )

    def image(self, batch: Batch, name: str) -> torch.Tensor:
        """Takes batch[name] to the model's device and type of numbers.

        Raises: InputError when the data set gives no such images.
        """
        if name not in batch:
            raise InputError(
                f"--model {self.options.model} needs images {name}, which this --dataset_mode does not give"
            )
        like = next(p for network in self.networks().values() for p in network.parameters())
        return batch[name].to(like.device, like.dtype, memory_format=self.execution.memory_format)

    def pair(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes A and B, which belong together. Raises: InputError when their sizes differ."""
        A, B = self.image(batch, "A"), self.image(batch, "B")
        if A.shape[-2:] != B.shape[-2:]:
            raise InputError(
                f"{batch['A_paths'][0]} and {batch['B_paths'][0]} differ in size: --model "
                f"{self.options.model} needs pairs of images (--dataset_mode aligned)"
            )
        return A, B

    def valid_pixels(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """Takes which pixels of A and of B hold data, (N, 1, H, W) each; () where --nodata is not given, and all count."""
        if not {"A_valid", "B_valid"} & batch.keys():
            return ()
        device = next(self.parameters()).device
        found = []
        for side in "AB":
            valid = batch.get(f"{side}_valid")
            valid = (
                torch.ones_like(batch[side][:, :1], dtype=torch.bool) if valid is None else valid
            )
            found.append(valid.to(device))
        return tuple(found)

    def build_G(self, input_nc: int, output_nc: int) -> nn.Module:
        """Builds a generator as the options say."""
        o = self.options
        dropout = not o.no_dropout
        return define_G(
            input_nc,
            output_nc,
            o.ngf,
            o.netG,
            o.norm,
            dropout,
            o.init_type,
            o.init_gain,
            upsample=o.upsample,
            antialias=not o.no_antialias,
            antialias_up=not o.no_antialias_up,
            **own_flags("generator", o.netG, o),
        )

    @property
    def tiling(self) -> Tiling:
        """The size and kind of tiles in which large images are translated."""
        return Tiling(self.execution.tile, self.execution.tile_mode)

    def translated(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Runs a generator on images of any size; its output has their size. Large ones go in tiles, if the execution says so."""
        if self.tiling.tile:
            return tiled(network, images, self.tiling, compute=self.compute)
        compute = partial(self.compute, network)
        return at_any_size(compute, images, getattr(network, "size_multiple", 1))


def _multiples(side: int, multiple: int) -> str:
    """Words the nearest multiples of a number."""
    below = side // multiple * multiple
    if side == below:
        return f"{side}"
    return f"{below} or {below + multiple}" if below else f"{multiple}"


__all__ = ["Adam", "BaseModel", "Batch", "Step"]
