"""Two machines imitated by network namespaces: each has its own torchrun, and a cable between them.

Needs root, Linux and iproute2.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from torture.groups import GROUPS, Group
from torture.runs import differences, fingerprint

MACHINES = ("torture-a", "torture-b")
ADDRESSES = ("10.213.0.1", "10.213.0.2")  # only inside the two namespaces
WORDS = next(iter(GROUPS.values()))


@contextmanager
def cable() -> Iterator[None]:
    """Two namespaces that see each other and nothing else. Skips where they cannot be made."""
    if shutil.which("ip") is None or _ip("netns", "add", MACHINES[0]):
        pytest.skip("network namespaces need root and iproute2")
    try:
        _ip("netns", "add", MACHINES[1], check=True)
        ends = ("netns", MACHINES[0], "type", "veth", "peer", "cable", "netns", MACHINES[1])
        _ip("link", "add", "cable", *ends, check=True)
        for machine, address in zip(MACHINES, ADDRESSES, strict=True):
            _ip("-n", machine, "address", "add", f"{address}/24", "dev", "cable", check=True)
            for device in ("lo", "cable"):
                _ip("-n", machine, "link", "set", device, "up", check=True)
        yield
    finally:
        for machine in MACHINES:
            _ip("netns", "delete", machine)


def _ip(*words: str, check: bool = False) -> int:
    return subprocess.run(["ip", *words], capture_output=True, check=check).returncode


class Machines:
    """A data set, a place to work in, and how the undisturbed run on one machine ended."""

    def __init__(self, dataroot: Path, work: Path) -> None:
        shutil.rmtree(work, ignore_errors=True)
        self.words, self.work = ["--dataroot", str(dataroot), *WORDS], work
        one = Group(work / "one", self.words, ["--standalone", "--nproc_per_node=2"])
        assert one.wait() == 0, one.text()[-1500:]
        self.wanted = self._fingerprint(one)

    def undisturbed(self) -> str:
        pair = [self.start(number, "pair") for number in (0, 1)]
        self._alike(pair)
        return "one process each: same result as two processes on one machine"

    def process_lost_on_one_machine(self) -> str:
        """Each machine's torchrun counts its own restarts: here one does not restart for a failure of its own."""
        pair = [self.start(number, "process") for number in (0, 1)]
        pair[0].says("saving the latest model (epoch 2")
        os.kill(pair[1].workers()[0], signal.SIGKILL)
        self._alike(pair)
        return "both restarted, same result"

    def machine_lost_and_replaced(self) -> str:
        pair = [self.start(number, "replaced") for number in (0, 1)]
        pair[0].says("saving the latest model (epoch 2")
        pair[1].kill()
        pair[1] = self.start(1, "replaced", log="replacement.txt")
        self._alike(pair)
        return "another took its place, same result"

    def machine_lost_for_good(self) -> str:
        pair = [self.start(number, "shrunk", nodes="1:2") for number in (0, 1)]
        pair[0].says("saving the latest model (epoch 2")
        pair[1].kill()
        assert pair[0].wait() == 0, pair[0].text()[-1500:]
        assert "note: processes was 2 and is 1" in pair[0].text()
        return "the other one finished the training alone"

    def start(self, number: int, folder: str, *, nodes: str = "2", log: str | None = None) -> Group:
        """torchrun on one of the machines."""
        launch = [
            f"--nnodes={nodes}", "--nproc_per_node=1", "--max-restarts=3", f"--rdzv-id={folder}",
            "--rdzv-backend=c10d", f"--rdzv-endpoint={ADDRESSES[0]}:29400",
            f"--rdzv-conf=is_host={int(number == 0)},join_timeout=120,last_call_timeout=2",
            f"--local-addr={ADDRESSES[number]}",
        ]  # fmt: skip
        # torchrun's shared store keeps its address from machines that come later (PyTorch 2.15).
        settings = ["GLOO_SOCKET_IFNAME=cable", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"]
        inside = ["ip", "netns", "exec", MACHINES[number], "env", *settings]
        log = log or f"machine_{number}.txt"
        return Group(self.work / folder, self.words, launch, prefix=inside, log=log)

    def _alike(self, pair: Sequence[Group]) -> None:
        for group in pair:
            assert group.wait() == 0, group.text()[-1500:]
        found = differences(self.wanted, self._fingerprint(pair[0]))
        assert not found, f"differs in {', '.join(found)}"

    @staticmethod
    def _fingerprint(group: Group) -> dict[str, str]:
        return {k: v for k, v in fingerprint(group.folder).items() if k != "loss_log"}


TRIALS = {
    name.replace("_", " "): getattr(Machines, name)
    for name in (
        "undisturbed",
        "process_lost_on_one_machine",
        "machine_lost_and_replaced",
        "machine_lost_for_good",
    )
}
