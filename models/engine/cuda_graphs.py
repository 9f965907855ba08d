"""Training steps recorded as CUDA graphs, which a GPU repeats without waiting for Python.

Small batches leave a GPU idle between thousands of short kernels; a graph launches them all at once. What is recorded
must be a function of tensors alone: no shapes that change, no values read back, no decisions of the CPU.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import torch

# Calls run as usual first, in which libraries choose algorithms and optimizers make their state.
WARM_UP = 3
# How far a replay may be off, relatively: rounding stays far below, anything wrong goes far beyond.
OUTPUTS_DIFFER, UPDATES_DIFFER = 0.05, 0.2

Outputs = dict[str, torch.Tensor]


class Recorder(Protocol):
    """Something that can do again what a function did on a device."""

    def record(self, function: Callable[[], Outputs]) -> Outputs:
        """What the function returns; these tensors, and no others, `replay` fills again."""

    def replay(self) -> None: ...


class Trainable(Protocol):
    """What of a model its steps change."""

    optimizers: dict[str, torch.optim.Optimizer]

    def parameters(self) -> Iterable[torch.Tensor]: ...

    def buffers(self) -> Iterable[torch.Tensor]: ...


class CudaGraph:
    """The recorder of NVIDIA GPUs. Those that are replayed in turn may share their memory by `pool`."""

    def __init__(self, pool: Any = None) -> None:
        self.graph, self.pool = torch.cuda.CUDAGraph(), pool

    def record(self, function: Callable[[], Outputs]) -> Outputs:
        try:
            with (
                # PyTorch before 2.15 leaves its recording's stream the current one when a recording fails.
                torch.cuda.stream(torch.cuda.current_stream()),
                # The loader's thread pins memory meanwhile, which concerns no other thread's recording.
                torch.cuda.graph(self.graph, self.pool, capture_error_mode="thread_local"),
            ):
                outputs = function()
        except Exception:
            free_random_numbers()
            raise
        # Detached: what hangs on the recording's stream must not live on into ordinary steps.
        return {name: value.detach() for name, value in outputs.items()}

    def replay(self) -> None:
        self.graph.replay()


def free_random_numbers() -> None:
    """PyTorch before 2.15 leaves them bound to a recording that failed; one that succeeds binds and frees them."""
    place = torch.empty(1, device="cuda")
    with torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode="thread_local"):
        place.zero_()


def cuda_graphs() -> Callable[[], Recorder]:
    """Makes recorders that share their memory."""
    pool = torch.cuda.graph_pool_handle()
    return lambda: CudaGraph(pool)


class Graphs:
    """Calls functions of tensors: as usual at first, then as recordings of themselves.

    The first replay is compared with an ordinary call from the same state. Whatever is wrong then, the ordinary call
    counts, a warning says why, and all calls are ordinary from there on.

    Args:
        model: whose weights, statistics and moments the functions change, and nothing else.
    """

    def __init__(self, model: Trainable, recorder: Callable[[], Recorder]) -> None:
        self.model, self.recorder = model, recorder
        self.works = True
        self._calls: Counter[Any] = Counter()
        self._recorded: dict[str, tuple[Any, Sequence[torch.Tensor], Outputs, Recorder]] = {}

    def __call__(
        self, name: str, function: Callable[..., Outputs], *inputs: torch.Tensor
    ) -> Outputs:
        """function(*inputs), where a function is known by its name; recordings are of one set of shapes."""
        key = name, tuple((x.shape, x.dtype) for x in inputs)
        self._calls[key] += 1
        if not self.works or self._calls[key] <= WARM_UP:
            return function(*inputs)
        if name not in self._recorded:
            return self._record(name, key, function, inputs)
        recorded_key, places, outputs, recorder = self._recorded[name]
        if key != recorded_key:  # the last batch of an epoch, or images of another size
            return function(*inputs)
        for place, x in zip(places, inputs, strict=True):
            place.copy_(x)
        recorder.replay()
        return _copied(outputs)

    def _record(
        self,
        name: str,
        key: Any,
        function: Callable[..., Outputs],
        inputs: Sequence[torch.Tensor],
    ) -> Outputs:
        before, device = self._state(), inputs[0].device
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices):  # the replay has to draw the same numbers
            expected = _copied(function(*inputs))
        after = self._state()
        try:
            places = [x.clone() for x in inputs]
            recorder = self.recorder()
            with torch.random.fork_rng(devices):
                outputs = recorder.record(lambda: function(*places))
            self._restore(before)
            recorder.replay()
            if difference := self._difference(before, after, expected, outputs):
                raise RuntimeError(difference)
        except Exception as error:  # many things that a GPU, driver or model may not like
            self._give_up(error)
            self._restore(after)
            return expected
        self._recorded[name] = key, places, outputs, recorder
        return _copied(outputs)

    def _give_up(self, error: Exception) -> None:
        self.works = False
        self._recorded.clear()  # and with them the memory of all activations
        log = logging.getLogger(__name__)
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        log.warning("steps are not recorded as CUDA graphs, which is slower: %s", reason)
        log.debug("recording failed", exc_info=error)

    def _tensors(self) -> list[torch.Tensor]:
        """All that a step changes; the weights come first."""
        moments = [
            value
            for optimizer in self.model.optimizers.values()
            for state in optimizer.state.values()
            for value in state.values()
            if torch.is_tensor(value)
        ]
        return [*self.model.parameters(), *self.model.buffers(), *moments]

    def _state(self) -> list[torch.Tensor]:
        return [tensor.detach().clone() for tensor in self._tensors()]

    def _restore(self, saved: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for tensor, value in zip(self._tensors(), saved, strict=True):
                tensor.copy_(value)

    def _difference(
        self,
        before: Sequence[torch.Tensor],
        after: Sequence[torch.Tensor],
        expected: Outputs,
        outputs: Outputs,
    ) -> str:
        """What the replay did otherwise than the function, or ""."""
        for name, value in expected.items():  # images on average: single pixels may round far off
            error = float((outputs[name] - value).abs().mean())
            if not error <= OUTPUTS_DIFFER * (1 + float(value.abs().mean())):
                return f"the recording gives another {name}, by {error:.2g}"
        weights = list(self.model.parameters())
        changes = [new - old for _, new, old in zip(weights, after, before, strict=False)]
        errors = [weight - new for weight, new in zip(weights, after, strict=False)]
        if not _norm(errors) <= UPDATES_DIFFER * _norm(changes):
            part = _norm(errors) / max(_norm(changes), 1e-30)
            return f"the recording changes weights in another way, by {part:.0%}"
        return ""


def _norm(tensors: Sequence[torch.Tensor]) -> float:
    return float(torch.stack([tensor.detach().square().sum() for tensor in tensors]).sum().sqrt())


def _copied(outputs: Outputs) -> Outputs:
    """Tensors that the next replay does not overwrite."""
    return {name: value.detach().clone() for name, value in outputs.items()}
