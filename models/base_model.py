"""What every model is: networks as children, a training step, a translation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from models.graphs import Graphs, Outputs, cuda_graphs, recording_is_safe
from models.networks import define_G
from models.precision import Precision
from options.base_options import ModelOptions
from util import distributed
from util.errors import InputError
from util.image_pool import ImagePool
from util.images import at_any_size

Batch = Mapping[str, Any]
SEPARATE = ("instance", "sync_instance", "none")  # norms that do not mix the images of a batch


@dataclass(frozen=True)
class Adam:
    """What a model's optimizers need: learning rate and first momentum (the second is 0.999).

    fused: one pass over all parameters, on a CPU or an NVIDIA GPU: the same formula, several times faster.
    """

    lr: float = 0.0002
    beta1: float = 0.5
    fused: bool = True

    def __call__(self, *networks: nn.Module) -> torch.optim.Optimizer:
        parameters = [p for network in networks for p in network.parameters()]
        betas = (self.beta1, 0.999)
        return torch.optim.Adam(parameters, lr=self.lr, betas=betas, fused=self.fused)


@dataclass
class Step:
    """What a training step gives back: detached, still on the device.

    losses: name -> scalar, weighted as it is logged.
    visuals: name -> (N, C, H, W) in [-1, 1].
    """

    losses: dict[str, torch.Tensor]
    visuals: dict[str, torch.Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, outputs: Outputs, order: Sequence[str]) -> Step:
        """From tensors by name: those called loss_<name> are losses, in that order; all else are visuals."""
        losses = {
            name: outputs[f"loss_{name}"].detach() for name in order if f"loss_{name}" in outputs
        }
        visuals = {k: v.detach() for k, v in outputs.items() if not k.startswith("loss_")}
        return cls(losses, visuals)


class BaseModel(nn.Module, ABC):
    """Subclass it: build networks and, when training, optimizers; write `train_step` and `translate`.

    Args:
        options: sizes and weights; an instance of the class's own `Options`.
        adam: makes optimizers; None builds for inference alone, without discriminators.
        seed: of randomness that is not torch's own.

    Attributes:
        Options: the group of command-line flags the model understands.
        sources: visual name -> "B" where an image belongs to the file in B_paths, not A_paths.
        records_steps: whether `train_step` is made for `recorded`; a subclass has to say it anew.
        plateau_losses: logged losses whose sum --lr_policy plateau watches; all when empty.
        optimizers, pools: state beside the networks that a resumed run needs.
        precision: of the networks' arithmetic.
        layout: order of memory that images are given to networks in.
        scalers: optimizer's name -> what keeps small gradients representable in fp16.
        graphs: recordings of steps on a GPU; see `recorded`.
    """

    Options: ClassVar[type[ModelOptions]] = ModelOptions
    sources: ClassVar[dict[str, str]] = {}
    plateau_losses: ClassVar[tuple[str, ...]] = ()
    records_steps: ClassVar[bool] = False

    def __init__(self, options: ModelOptions, adam: Adam | None = None, seed: int = 0) -> None:
        super().__init__()
        self.options, self.seed = options, seed
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.pools: dict[str, ImagePool] = {}
        self.precision = Precision()
        self.layout = torch.preserve_format
        self.scalers: dict[str, torch.amp.GradScaler] = {}
        self.graphs: Graphs | None = None
        self._synchronized: dict[nn.Module, nn.Module] = {}  # beside the networks, never saved

    def train_step(self, batch: Batch) -> Step:
        """One optimization step on a batch {A, B, A_paths, B_paths}, images in [-1, 1].

        A model that leaves this out can only test; `create_model` refuses to train it.
        """
        raise NotImplementedError

    @abstractmethod
    def translate(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Name -> images in [-1, 1] to show and save for a test batch of any image size."""

    def displayable(self, visuals: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Visuals as pictures of one or three channels; called only when they are shown."""
        return visuals

    def networks(self) -> dict[str, nn.Module]:
        """Name -> network: what is saved as <label>_net_<name>.pth."""
        return dict(self.named_children())

    def stateful(self) -> dict[str, Any]:
        """Name -> object with state_dict and load_state_dict: what resuming needs besides networks."""
        kinds: dict[str, Mapping[str, Any]] = {
            "optimizer": self.optimizers,
            "pool": self.pools,
            "scaler": self.scalers,
        }
        return {f"{kind}_{name}": item for kind in kinds for name, item in kinds[kind].items()}

    def set_learning_rate(self, learning_rate: float) -> None:
        """For all optimizers, from the next step on."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                if torch.is_tensor(group["lr"]):  # which a recorded step reads
                    group["lr"].fill_(learning_rate)
                else:
                    group["lr"] = learning_rate

    @property
    def size_multiple(self) -> int:
        """What the sides of training images must be divisible by."""
        return max((getattr(net, "size_multiple", 1) for net in self.children()), default=1)

    @property
    def smallest_input(self) -> int:
        """The least side of training images."""
        return max((getattr(net, "smallest_input", 1) for net in self.children()), default=1)

    def check_crop_size(self, crop_size: int) -> None:
        """Raises: InputError when crops of this size do not go through the networks."""
        multiple = self.size_multiple
        if crop_size % multiple:
            below = crop_size // multiple * multiple
            advice = f"{below} or {below + multiple}" if below else f"{multiple}"
            raise InputError(
                f"--crop_size {crop_size} does not fit --netG {self.options.netG}, whose images must have "
                f"sides that are multiples of {multiple}: use {advice}"
            )
        if crop_size < self.smallest_input:
            raise InputError(
                f"--crop_size {crop_size} is too small for --netD {self.options.netD}, which needs at least "
                f"{self.smallest_input}; --netD pixel, or n_layers with fewer --n_layers_D, need less"
            )

    def image(self, batch: Batch, name: str) -> torch.Tensor:
        """batch[name] on the model's device and in its precision.

        Raises: InputError when the data set gives no such images.
        """
        if name not in batch:
            raise InputError(
                f"--model {self.options.model} needs images {name}, which this --dataset_mode does not give"
            )
        like = next(self.parameters())
        # Only from pinned memory, which is CUDA's, is it safe not to wait.
        on_cuda = like.device.type == "cuda"
        return batch[name].to(like.device, like.dtype, on_cuda, memory_format=self.layout)

    def pair(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """A and B, which belong together. Raises: InputError when their sizes differ."""
        A, B = self.image(batch, "A"), self.image(batch, "B")
        if A.shape[-2:] != B.shape[-2:]:
            raise InputError(
                f"{batch['A_paths'][0]} and {batch['B_paths'][0]} differ in size: --model "
                f"{self.options.model} needs pairs of images (--dataset_mode aligned)"
            )
        return A, B

    def build_G(self, input_nc: int, output_nc: int) -> nn.Module:
        """A generator as the options say."""
        o = self.options
        dropout = not o.no_dropout
        return define_G(
            input_nc, output_nc, o.ngf, o.netG, o.norm, dropout, o.init_type, o.init_gain
        )

    def run(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """The network's output; in backward its gradients are averaged over processes."""
        if network not in self._synchronized:
            self._synchronized[network] = distributed.synchronized(network)
        return self.compute(self._synchronized[network], images)

    def compute(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """The network's output, computed in `precision`."""
        if self.precision.dtype is None:
            return network(images)
        with self.precision.autocast():
            output = network(images)
        return output.float()

    def run_all(self, network: nn.Module, *images: torch.Tensor) -> Sequence[torch.Tensor]:
        """`run` for several batches: as one, where that gives the same, and is faster."""
        alike = all(batch.shape == images[0].shape for batch in images)
        if alike and self.options.norm in SEPARATE:
            return self.run(network, torch.cat(images)).chunk(len(images))
        return [self.run(network, batch) for batch in images]

    def why_not_recorded(self) -> str:
        """Why steps of this model cannot be recorded as CUDA graphs; "" when they can."""
        if not vars(type(self)).get("records_steps"):
            return f"{type(self).__name__} does not say that its steps can be"
        if not recording_is_safe():
            return "PyTorch is older than 2.15"
        if self.precision.scales_gradients:
            return "fp16 looks at gradients"
        return ""

    def record_steps(self) -> None:
        """From here on, `recorded` records. The model must be on a GPU, its optimizers be Adam's."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                device = group["params"][0].device
                group["lr"] = torch.tensor(float(group["lr"]), device=device)
                group["capturable"] = True
        self.graphs = Graphs(self, cuda_graphs())

    def recorded(
        self, name: str, function: Callable[..., Outputs], *inputs: torch.Tensor
    ) -> Outputs:
        """function(*inputs), a part of a training step that tensors alone decide; faster where it is recorded."""
        return function(*inputs) if self.graphs is None else self.graphs(name, function, *inputs)

    def translated(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """A generator's output for images of any size, in their size."""
        compute = partial(self.compute, network)
        return at_any_size(compute, images, getattr(network, "size_multiple", 1))

    def descend(self, optimizer: str, loss: torch.Tensor) -> None:
        """One step of gradient descent on a scalar, by the optimizer of that name."""
        chosen, scaler = self.optimizers[optimizer], self.scalers.get(optimizer)
        chosen.zero_grad()
        if scaler is None:
            loss.backward()
            chosen.step()
        else:
            scaler.scale(loss).backward()
            scaler.step(chosen)
            scaler.update()
