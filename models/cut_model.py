"""CUT and FastCUT: unpaired translation by comparing patches of an image with those of its translation (Park et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch.nn import functional as F

from models.base_model import Adam, Batch, Step
from models.engine.cuda_graphs import Outputs
from models.engine.optimization import mixes_images, step_outputs
from models.gan_model import GANModel
from models.losses import patch_nce_loss
from models.networks.norms import init_weights
from models.networks.patch_sampler import (
    PatchMLP,
    average_rows,
    averaging,
    draw_flip,
    draw_positions,
    encode,
    layer_numbers,
    mirrored_positions,
    normalise_rows,
    pick_rows,
)
from models.networks.resnet import ResnetGenerator
from options.model_options import CUTOptions

# As the published code logs them; others follow.
LOSSES = ("G_GAN", "D_real", "D_fake", "G", "NCE", "NCE_Y")
Features = Sequence[torch.Tensor]


class CUTModel(GANModel):
    """G: A -> B; its first half also gives the features whose patches are compared. F projects these. D judges B."""

    Options = CUTOptions
    options: CUTOptions
    records_steps = True
    sources: ClassVar[dict[str, str]] = {"real_B": "B", "idt_B": "B"}
    plateau_losses = ("G",)

    def __init__(self, options: CUTOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__(options, adam, seed)
        self.G = self.build_G(options.input_nc, options.output_nc)
        if adam is None:
            return
        networks = [self.G]
        if options.lambda_NCE:
            if options.num_patches:
                self.guessing_NCE = options.lambda_NCE * math.log(options.num_patches)
            self.layers = layer_numbers(options.nce_layers, self.G)
            # Where translating again would give the same features, those of the translation count.
            exact = options.no_dropout and not mixes_images(self.G)
            self.reuses = isinstance(self.G, ResnetGenerator) and exact
            if options.netF == "mlp_sample":
                self.F = PatchMLP(self._channels(), options.netF_nc)
                init_weights(self.F, options.init_type, options.init_gain)
                networks.append(self.F)
        self.optimizers = {"G": adam(*networks)}
        if self.has_D:
            self.D = self.build_D(options.output_nc)
            self.optimizers["D"] = adam(self.D)
            self.pools = {"B": self.build_pool("B")}

    def _channels(self) -> list[int]:
        """Of the features, which follow from shapes alone."""
        with torch.device("meta"):
            G: Any = self.build_G(self.options.input_nc, self.options.output_nc).eval()
            side = max(64, self.size_multiple)
            images = torch.empty(1, self.options.input_nc, side, side)
            return [one.shape[1] for one in encode(G.encoder(), images, self.layers)[0]]

    def why_not_recorded(self) -> str:
        if self.has_D and self.options.pool_size:
            return "the image pool (--pool_size) is in the middle of CUT's step"
        return super().why_not_recorded()

    def train_step(self, batch: Batch) -> Step:
        real_A, real_B = self.image(batch, "A"), self.image(batch, "B")
        flip = self.options.flip_equivariance and draw_flip()
        train = partial(self._train, self.next_step_trains_G(), flip)
        outputs = self.run_as_graph("mirrored" if flip else "step", train, real_A, real_B)
        return Step.of(outputs, LOSSES)

    def _train(
        self, trains_G: bool, flip: bool, real_A: torch.Tensor, real_B: torch.Tensor
    ) -> Outputs:
        o = self.options
        inputs = [real_A]
        if o.nce_idt and o.lambda_NCE:
            inputs.append(match_channels(real_B, o.input_nc))
        with torch.set_grad_enabled(trains_G):
            outputs, keys = self._translate(inputs, flip)
        fake_B = outputs[0]  # (N, output_nc, H, W), mirrored with flip
        by_D: dict[str, torch.Tensor] = {}
        D_losses: dict[str, torch.Tensor] = {}
        if self.has_D:
            by_D, D_losses = self.train_D(self.D, "B", fake_B, real_B, trains_G=trains_G)

        # G and F, against the new D
        with torch.set_grad_enabled(trains_G):
            nce = self._nce_losses(keys, outputs, flip) if o.lambda_NCE else []
            shown = [image.flip(-1) if flip else image for image in outputs]
            images = {"real_A": real_A, "fake_B": shown[0], "real_B": real_B}
            images |= dict(zip(["idt_B"], shown[1:], strict=False))
            parts = {**by_D, **self.extra_losses(images)}
            mean = {"NCE": torch.stack(nce).mean()} if nce else {}
            G = torch.stack([*parts.values(), *mean.values()]).sum()
        if trains_G:
            self.descend("G", G)
        patches = dict(zip(("NCE", "NCE_Y"), nce, strict=False))
        return step_outputs(images, {**parts, **D_losses, "G": G, **patches})

    def _translate(
        self, inputs: Sequence[torch.Tensor], flip: bool
    ) -> tuple[list[torch.Tensor], list[Features]]:
        """G's output for every input, mirrored with flip, and the features of the inputs as they are."""
        if not self.options.lambda_NCE or flip or not self.reuses:
            images = [image.flip(-1) for image in inputs] if flip else inputs
            outputs = self._passes(lambda x: [self.run(self.G, x)], images, jointly=True)
            with torch.no_grad():
                keys = self._features(inputs) if self.options.lambda_NCE else []
            return [output for (output,) in outputs], keys

        def both(x: torch.Tensor) -> Features:
            output, features = self.run(self.G, x, self.layers)
            return [output, *features]

        found = self._passes(both, inputs)
        return [output for output, *_ in found], [features for _, *features in found]

    def _features(self, images: Sequence[torch.Tensor]) -> list[Features]:
        """Of every batch of images (N, input_nc, H, W), the maps of the compared layers."""
        G: Any = self.G
        fusion = getattr(G, "fusion", None)
        return self._passes(
            lambda x: self.compute(
                lambda x: encode(G.encoder(), x, self.layers, fusion=fusion)[0], x
            ),
            images,
        )

    def _passes(
        self,
        function: Callable[[torch.Tensor], Features],
        images: Sequence[torch.Tensor],
        jointly: bool = False,
    ) -> list[Features]:
        """The function, which runs G, of every batch of images: of all at once where that gives the same, or is meant."""
        alike = all(one.shape == images[0].shape for one in images)
        if not alike or (mixes_images(self.G) and not jointly):
            return [function(one) for one in images]
        joint = function(torch.cat(list(images)))
        return list(zip(*(one.chunk(len(images)) for one in joint), strict=True))

    def _nce_losses(
        self, keys: Sequence[Features], outputs: Sequence[torch.Tensor], flip: bool
    ) -> list[torch.Tensor]:
        """For every output, the weighted loss of its patches against those of its input."""
        queries = self._features([match_channels(one, self.options.input_nc) for one in outputs])
        return [self._nce_loss(k, q, flip) for k, q in zip(keys, queries, strict=True)]

    def _nce_loss(self, keys: Features, queries: Features, flip: bool) -> torch.Tensor:
        o = self.options
        positions = [
            draw_positions(one.shape[-2] * one.shape[-1], o.num_patches, one.device) for one in keys
        ]
        with torch.no_grad():
            k_rows = self._project(self._rows(keys, positions))
        q_rows = self._project(self._rows(queries, positions, mirrored=flip))
        losses = []
        for q, k in zip(q_rows, k_rows, strict=True):  # (N, S, C)
            if o.nce_includes_all_negatives_from_minibatch:
                q, k = q.flatten(0, 1)[None], k.flatten(0, 1)[None]
            losses.append(patch_nce_loss(q, k, o.nce_T))
        return o.lambda_NCE * torch.stack(losses).mean()

    def _rows(
        self, features: Features, positions: Sequence[torch.Tensor], mirrored: bool = False
    ) -> list[torch.Tensor]:
        """Patches (N, S, C) of every map at the positions, which are those of the map mirrored back."""
        if self.options.netF == "reshape":
            return [average_rows(one.flip(-1) if mirrored else one) for one in features]
        return [
            pick_rows(one, mirrored_positions(where, one.shape[-1]) if mirrored else where)
            for one, where in zip(features, positions, strict=True)
        ]

    def _project(self, rows: list[torch.Tensor]) -> list[torch.Tensor]:
        """Rows of length 1, by F where there is one."""
        if self.options.netF != "mlp_sample":
            return [normalise_rows(one) for one in rows]
        return self.run(self.F, rows) if torch.is_grad_enabled() else self.compute(self.F, rows)

    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        real_A = self.image(batch, "A")
        images = {"real_A": real_A, "fake_B": self.translated(self.G, real_A)}
        return images | ({"real_B": self.image(batch, "B")} if "B" in batch else {})


def match_channels(images: torch.Tensor, channels: int) -> torch.Tensor:
    """(N, C, H, W) -> (N, channels, H, W): grey from colour by the mean, colour from grey by repeating.

    So that G can give features of its own outputs, whatever their channels.
    """
    if images.shape[1] == channels:
        return images
    weight = averaging(images.shape[1], channels, images)  # (channels, C)
    return F.conv2d(images, weight[:, :, None, None])
