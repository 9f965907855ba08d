"""scripts/demo.py: what its steps print where there is no terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.demo import command, shorten
from util.distributed.stop import STOPPED
from util.errors import InputError

PRINTED = """\
----------------- Options ---------------
               batch_size: 8                             \t[default: 1]
                      lr: 0.0004
----------------- End -------------------
(epoch: 1, iters: 8, time: 0.1, data: 0.0) G_L1: 0.5
End of epoch 1 / 4 \t Time Taken: 10 sec \t learning rate 0.0004000
processing (0000)-th image... a.png
saving the model
End of epoch 3 / 4 \t Time Taken: 9 sec \t learning rate 0.0004000
"""


def test_options_are_left_out_and_the_time_left_is_said_at_ends_of_epochs() -> None:
    clock = iter([0.0, 10.0, 34.0]).__next__
    assert list(shorten(PRINTED.splitlines(keepends=True), clock)) == [
        "(epoch: 1, iters: 8, time: 0.1, data: 0.0) G_L1: 0.5",
        "End of epoch 1 / 4, about 30 s left",
        "saving the model",
        "End of epoch 3 / 4, about 17 s left",
    ]


def test_a_step_is_shown_as_it_would_be_typed_and_its_failure_ends_the_demo(capfd) -> None:
    command("scripts/show_run.py", "page", "--help")
    shown = capfd.readouterr().out
    assert shown.startswith("\n$ python scripts/show_run.py page --help\nusage: show_run.py page")
    with pytest.raises(InputError, match="the step above ended with status 2"):
        command("scripts/show_run.py", "nothing")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
@pytest.mark.parametrize(
    "stopping",
    [
        pytest.param(
            "os.kill(os.getppid(), signal.SIGINT)", id="Ctrl-C, which a terminal sends to both"
        ),
        pytest.param(
            "os.kill(os.getppid(), signal.SIGTERM); signal.alarm(60); signal.sigwait([signal.SIGTERM])",
            id="kill",
        ),
    ],
)
def test_a_step_that_was_stopped_ends_the_demo_with_how_to_go_on(
    stopping: str, tmp_path: Path, capfd
) -> None:
    script = tmp_path / "step.py"
    script.write_text(
        "import os, signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        f"{stopping}\n"
        "print('saved', flush=True)\n"
        f"sys.exit({STOPPED})\n"
    )
    with pytest.raises(SystemExit, match="stopped: run the same command again to continue"):
        command(str(script))
    assert capfd.readouterr().out.endswith("saved\n")
