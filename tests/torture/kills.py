"""Trainings that are killed again and again, at any moment, and continued by the same command."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from torture.runs import Run, differences, fingerprint

RESNET = ["--netG", "resnet_6blocks"]
UNET = ["--netG", "unet_64", "--load_size", "72", "--crop_size", "64"]
CONFIGURATIONS = {  # between them: each model, LR policy, GAN loss, dropout, pools, batches, workers
    "pix2pix": ["--model", "pix2pix", *UNET, "--pool_size", "3", "--num_threads", "2"],
    "pix2pix, plateau, batches of 3": [
        "--model", "pix2pix", *UNET, "--lr_policy", "plateau", "--batch_size", "3", "--num_threads", "0",
    ],
    "pix2pix, wgangp, step": [
        "--model", "pix2pix", *RESNET, "--gan_mode", "wgangp", "--n_critic", "2", "--norm", "instance",
        "--lr_policy", "step", "--lr_decay_iters", "1", "--num_threads", "1",
    ],
    "pix2pix, hinge, two checkpoints kept": [
        "--model", "pix2pix", *RESNET, "--gan_mode", "hinge", "--keep_epochs", "2", "--save_by_iter",
        "--num_threads", "0",
    ],
    "colorization": ["--model", "colorization", *UNET, "--pool_size", "2", "--num_threads", "0"],
    "cycle_gan": ["--model", "cycle_gan", *RESNET, "--pool_size", "4", "--num_threads", "2"],
    "cycle_gan, dropout, cosine, batches of 2": [
        "--model", "cycle_gan", *RESNET, "--pool_size", "3", "--dropout", "--lr_policy", "cosine",
        "--batch_size", "2", "--num_threads", "1",
    ],
    "cycle_gan, wgangp, plateau": [
        "--model", "cycle_gan", *RESNET, "--gan_mode", "wgangp", "--n_critic", "2",
        "--lr_policy", "plateau", "--pool_size", "2", "--num_threads", "0",
    ],
}  # fmt: skip


@dataclass
class Outcome:
    """What became of one configuration.

    Attributes:
        kills: how -> how often.
        mismatches: parts that differ from the undisturbed run, with the run they were found in.
    """

    kills: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    mismatches: list[str] = field(default_factory=list)


def torture(
    words: list[str], dataroot: Path, work: Path, kills: int, rng: random.Random
) -> Outcome:
    """Disturbs runs until `kills` kills are done; every run is continued to its end and compared."""
    shutil.rmtree(work, ignore_errors=True)
    words = ["--dataroot", str(dataroot), *words]
    whole = Run(work / "whole", words).finish()
    seconds, wanted = time.monotonic() - whole.started, fingerprint(whole.folder)
    outcome, ways = Outcome(), rng.sample(list(WAYS), len(WAYS))
    while outcome.kills.total() < kills:
        shutil.rmtree(work / "disturbed", ignore_errors=True)
        run = Run(work / "disturbed", words)
        while outcome.kills.total() < kills:
            how = ways[outcome.kills.total() % len(ways)]
            if not WAYS[how](run, rng, seconds):
                break  # it was faster
            outcome.kills[how] += 1
            run = Run(work / "disturbed", [*words, "--continue_train"])
        status = run.wait()
        finished = "has finished its" in run.tail()  # killed between its last save and its end
        if status != 0 and not finished:
            outcome.mismatches.append(f"status {status}: {run.tail()[-300:]}")
        outcome.finished += 1
        outcome.mismatches += differences(wanted, fingerprint(run.folder))
    return outcome


def kill_at_any_moment(run: Run, rng: random.Random, seconds: float) -> bool:
    return _send(run, signal.SIGKILL, rng.uniform(0, 0.7 * seconds))


def kill_while_saving(run: Run, rng: random.Random, seconds: float) -> bool:
    """SIGKILL within a few milliseconds of a file being written."""
    time.sleep(rng.uniform(0, 0.5 * seconds))
    while run.running:
        if any(run.folder.glob(".*.tmp")):
            return _send(run, signal.SIGKILL, rng.uniform(0, 0.005))
    return False


def terminate(run: Run, rng: random.Random, seconds: float) -> bool:
    return _send(run, signal.SIGTERM, rng.uniform(0, 0.7 * seconds))


def interrupt(run: Run, rng: random.Random, seconds: float) -> bool:
    return _send(run, signal.SIGINT, rng.uniform(0, 0.7 * seconds))


def close_terminal(run: Run, rng: random.Random, seconds: float) -> bool:
    return _send(run, signal.SIGHUP, rng.uniform(0, 0.7 * seconds))


def interrupt_twice(run: Run, rng: random.Random, seconds: float) -> bool:
    if not _signal(run, signal.SIGINT, rng.uniform(0, 0.7 * seconds)):
        return False
    _signal(run, signal.SIGINT, rng.uniform(0, 0.05))
    return run.wait() != 0


def terminate_then_kill(run: Run, rng: random.Random, seconds: float) -> bool:
    """As a job scheduler does whose patience is short."""
    if not _signal(run, signal.SIGTERM, rng.uniform(0, 0.7 * seconds)):
        return False
    _signal(run, signal.SIGKILL, rng.uniform(0, 0.1))
    return run.wait() != 0


WAYS = {
    "SIGKILL at any moment": kill_at_any_moment,
    "SIGKILL while saving": kill_while_saving,
    "SIGTERM": terminate,
    "Ctrl-C": interrupt,
    "terminal closed": close_terminal,
    "Ctrl-C twice": interrupt_twice,
    "SIGTERM, then SIGKILL": terminate_then_kill,
}


def _signal(run: Run, number: signal.Signals, delay: float) -> bool:
    time.sleep(delay)
    if not run.running:
        return False
    os.kill(run.process.pid, number)
    return True


def _send(run: Run, number: signal.Signals, delay: float) -> bool:
    """Sends the signal and waits for the end; False if the run had ended, or ends as if undisturbed."""
    return _signal(run, number, delay) and run.wait() != 0
