"""Runs networks and trains them: precision, several processes, CUDA graphs, optimizer steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, ClassVar

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call

from models.engine.cuda_graphs import Graphs, Outputs, cuda_graphs
from models.engine.execution import Execution
from options.base_options import ModelOptions
from util import distributed


@dataclass(frozen=True)
class Adam:
    """A maker of optimizers: learning rate and momentums.

    fused: one pass over all parameters, on a CPU or an NVIDIA GPU: the same formula, several times faster.
    """

    lr: float = 0.0002
    beta1: float = 0.5
    fused: bool = True
    beta2: float = 0.999

    def __call__(self, *networks: nn.Module) -> torch.optim.Optimizer:
        parameters = [p for network in networks for p in network.parameters()]
        betas = (self.beta1, self.beta2)
        return torch.optim.Adam(parameters, lr=self.lr, betas=betas, fused=self.fused)


class CastTogether(torch.autograd.Function):
    """Weights in another type, by one kernel for all of them; their gradients as well."""

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.weights_type = weights[0].dtype
        cast = [torch.empty_like(weight, dtype=dtype) for weight in weights]
        torch._foreach_copy_(cast, weights)
        return tuple(cast)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        exact = [torch.empty_like(gradient, dtype=ctx.weights_type) for gradient in gradients]
        torch._foreach_copy_(exact, gradients)
        return None, *exact


@dataclass
class Step:
    """Results of a training step, still on the device; detached here.

    losses: name -> scalar, weighted as it is logged.
    visuals: name -> (N, C, H, W) in [-1, 1].
    health: name -> scalar; empty unless the model's execution asks for it.
    """

    losses: dict[str, torch.Tensor]
    visuals: dict[str, torch.Tensor] = field(default_factory=dict)
    health: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for tensors in (self.losses, self.visuals, self.health):
            tensors.update({name: tensor.detach() for name, tensor in tensors.items()})

    @classmethod
    def of(cls, outputs: Outputs, first: Sequence[str] = ()) -> Step:
        """Sorts the tensors of `step_outputs`, and those of `log_health`.

        Args:
            first: losses that are logged before the others, in this order.
        """
        kinds: dict[str, Outputs] = {"loss_": {}, "health_": {}, "": {}}
        for name, tensor in outputs.items():
            kind = next(kind for kind in kinds if name.startswith(kind))
            kinds[kind][name.removeprefix(kind)] = tensor
        losses = kinds["loss_"]
        ordered = {name: losses[name] for name in (*first, *losses) if name in losses}
        return cls(ordered, kinds[""], kinds["health_"])


def step_outputs(visuals: Outputs, losses: Outputs) -> Outputs:
    """Puts a step's images and losses into one dict, as a function that becomes a CUDA graph must return it."""
    named = {**visuals, **{f"loss_{name}": loss for name, loss in losses.items()}}
    return {name: tensor.detach() for name, tensor in named.items()}


class Engine(nn.Module):
    """Runs a model's networks and trains them, as an `Execution` says.

    Attributes:
        records_steps: whether `train_step` is made for `run_as_graph`; each subclass has to declare it itself.
        optimizers: by name; a resumed run needs their state.
        execution: set by `prepare`; until then float32 on the CPU.
        scalers: optimizer's name -> gradient scaler, which keeps small gradients representable in fp16.
        rate_factors: optimizer's name -> what multiplies the learning rate there; 1 where it is not named.
        graphs: recordings of steps on a GPU; see `run_as_graph`.
    """

    options: ModelOptions
    records_steps: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.execution = Execution()
        self.scalers: dict[str, torch.amp.GradScaler] = {}
        self.rate_factors: dict[str, float] = {}
        self.graphs: Graphs | None = None
        self._side: torch.cuda.Stream | None = None
        # Of the part of a step that is being taken, with Execution.cast_once.
        self._casts: dict[tuple[nn.Module, bool], Outputs] | None = None
        self._health: Outputs = {}  # of the part of a step that is being taken
        self._synchronized: dict[nn.Module, nn.Module] = {}  # beside the networks, never saved

    def prepare(self, execution: Execution) -> None:
        """Moves the networks to the device and readies the optimizers; `create_model` calls it once.

        Not part of the constructor, whose arguments every drop-in model passes on.
        """
        self.execution = execution
        self.to(execution.device)
        layout = execution.memory_format
        if layout is not torch.preserve_format:
            for parameter in self.parameters():
                if parameter.dim() == 4:
                    parameter.data = parameter.data.contiguous(memory_format=layout)
        if execution.precision.scales_gradients:
            device_type = execution.precision.device_type
            self.scalers = {name: torch.amp.GradScaler(device_type) for name in self.optimizers}
        for name, factor in self.rate_factors.items():
            for group in self.optimizers[name].param_groups:
                group["lr"] *= factor
        if execution.cuda_graphs and not self.why_not_recorded():
            self._record_steps()

    def run(self, network: nn.Module, *inputs: Any) -> Any:
        """Runs a network; in backward its gradients are averaged over processes."""
        if network not in self._synchronized:
            self._synchronized[network] = distributed.synchronized(network)
        return self.compute(self._synchronized[network], *inputs)

    def compute(self, network: Callable[..., Any], *inputs: Any) -> Any:
        """The network's output, a tensor or lists of tensors, computed in the execution's precision."""
        precision = self.execution.precision
        if precision.dtype is None:
            return network(*inputs)
        with precision.autocast():
            if self._casts is None or not isinstance(network, nn.Module):
                output = network(*inputs)
            else:
                weights = self._cast(network, self._casts)
                output = functional_call(network, weights, inputs)
        return in_float32(output)

    def _cast(self, network: nn.Module, casts: dict[tuple[nn.Module, bool], Outputs]) -> Outputs:
        """The weights of convolutions in the lower precision, all cast at once, and kept until they change."""
        learns = torch.is_grad_enabled() and any(p.requires_grad for p in network.parameters())
        if (network, learns) not in casts:
            named = {name: p for name, p in network.named_parameters() if p.dim() == 4}
            dtype = self.execution.precision.dtype
            cast = CastTogether.apply(dtype, *named.values()) if named else ()
            casts[network, learns] = dict(zip(named, cast, strict=True))
        return casts[network, learns]

    def run_together(self, network: nn.Module, *images: torch.Tensor) -> Sequence[torch.Tensor]:
        """Runs several batches: as one, where that gives the same, and is faster."""
        alike = all(batch.shape == images[0].shape for batch in images)
        if alike and not mixes_images(network):
            return self.run(network, torch.cat(images)).chunk(len(images))
        return [self.run(network, batch) for batch in images]

    def why_not_recorded(self) -> str:
        """Says why steps of this model cannot be recorded as CUDA graphs; "" when they can."""
        if not vars(type(self)).get("records_steps"):
            return f"{type(self).__name__} does not say that its steps can be"
        if self.execution.precision.scales_gradients:
            return "fp16 looks at gradients"
        return ""

    def _record_steps(self) -> None:
        """Makes `run_as_graph` record from here on. The model must be on a GPU, its optimizers be Adam's."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                device = group["params"][0].device
                group["lr"] = torch.tensor(float(group["lr"]), device=device)
                group["capturable"] = True
        self.graphs = Graphs(self, cuda_graphs())

    def run_as_graph(
        self, name: str, function: Callable[..., Outputs], *inputs: torch.Tensor
    ) -> Outputs:
        """Calls function(*inputs), a part of a training step that tensors alone decide; on a GPU as a CUDA graph.

        Values given to `log_health` on the way are added to the outputs, as health_<name>.
        """
        if self.execution.health:
            function = partial(self._with_health, function)
        if self.execution.cast_once and self.execution.precision.dtype is not None:
            function = partial(self._with_casts_kept, function)
        return function(*inputs) if self.graphs is None else self.graphs(name, function, *inputs)

    def _with_health(self, function: Callable[..., Outputs], *inputs: torch.Tensor) -> Outputs:
        self._health = {}
        outputs = function(*inputs)
        return {**outputs, **self._health}

    def _with_casts_kept(self, function: Callable[..., Outputs], *inputs: torch.Tensor) -> Outputs:
        self._casts = {}
        try:
            return function(*inputs)
        finally:
            self._casts = None

    @contextmanager
    def fork(self) -> Iterator[AbstractContextManager[object]]:
        """Lets a recorded GPU compute what stands in the context that it gives at the same time as what else stands here.

        A network must be inside of it always or never: its gradients are then summed in one order. Elsewhere all is
        computed as it stands, one after the other.
        """
        recorded = self.execution.two_streams and torch.cuda.is_available()
        if not (recorded and torch.cuda.is_current_stream_capturing()):
            yield nullcontext()
            return
        self._side = self._side or torch.cuda.Stream()
        main, side = torch.cuda.current_stream(), self._side
        side.wait_stream(main)
        yield torch.cuda.stream(side)
        main.wait_stream(side)

    def log_health(self, name: str, value: torch.Tensor) -> None:
        """Adds a scalar to the step's health; the last one of a name counts. Call it only with `execution.health`."""
        self._health[f"health_{name}"] = value.detach()

    def descend(self, optimizer: str, loss: torch.Tensor | Mapping[str, torch.Tensor]) -> None:
        """Takes a step on a weighted loss, or the sum of several by name, with the optimizer of that name.

        The same dict goes into `Step`, so that a loss is named once.
        """
        if isinstance(loss, Mapping):
            loss = reduce(torch.add, loss.values())
        chosen, scaler = self.optimizers[optimizer], self.scalers.get(optimizer)
        chosen.zero_grad()
        if scaler is None:
            loss.backward()
            if self.execution.health:
                self.log_health(f"grad_{optimizer}", gradient_norm(chosen))
            chosen.step()
        else:
            scaler.scale(loss).backward()
            if self.execution.health:
                norm = gradient_norm(chosen)
                self.log_health(f"grad_{optimizer}", norm / scaler.scale(torch.ones_like(norm)))
            scaler.step(chosen)
            scaler.update()
        if self._casts is not None:
            self._casts.clear()  # of weights as they were

    def set_learning_rate(self, learning_rate: float) -> None:
        """Sets it in all optimizers, times their factors, from the next step on."""
        for name, optimizer in self.optimizers.items():
            rate = learning_rate * self.rate_factors.get(name, 1.0)
            for group in optimizer.param_groups:
                if torch.is_tensor(group["lr"]):  # which a recorded step reads
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate


def mixes_images(network: nn.Module) -> bool:
    """Tells whether an image's output depends on the others of its batch, in training mode."""
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())


def in_float32(output: Any) -> Any:
    """A tensor, or tensors in lists, as float32."""
    if isinstance(output, torch.Tensor):
        return output.float()
    return [in_float32(one) for one in output]


def gradient_norm(optimizer: torch.optim.Optimizer) -> torch.Tensor:
    """Computes the Euclidean norm of all parameters' gradients together; a scalar, on the device."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    norms = [torch.linalg.vector_norm(p.grad) for p in parameters if p.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms))
