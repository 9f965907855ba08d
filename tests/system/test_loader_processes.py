"""Loader processes that are started again, and those that have too little shared memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_images
from helpers.data import assert_same_batches, augmented_batches
from helpers.tar import in_tars


@pytest.mark.parametrize("tars", [False, True])
def test_batches_of_processes_that_are_spawned_are_the_same(unpaired, tmp_path, tars) -> None:
    root = in_tars(unpaired, tmp_path / "shards") if tars else unpaired
    here, there = (
        augmented_batches(root, *how, epochs=[2], start=2) for how in [(0,), (2, "spawn")]
    )
    assert_same_batches(here, there)


ALL_BATCHES = """
import logging, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
logging.basicConfig(level="WARNING")
from helpers.data import dataset
from data.loading.loader import Loader
for epochs in ((1, 2), (1,)):  # a second loader tries no processes
    loader = Loader(dataset(Path(sys.argv[3]), "unaligned"), num_threads=2)
    print(sum(len(batch["A_paths"]) for epoch in epochs for batch in loader.epoch(epoch)))
    loader.close()
"""
MOUNTED = 'mount -t tmpfs -o "size=$1" tmpfs /dev/shm && shift && exec "$@"'


@pytest.mark.parametrize("size", ["4k", "1m"])
def test_a_small_dev_shm_costs_speed_and_a_warning_and_no_image(tmp_path, size) -> None:
    own_mounts = ["unshare", "-m", "sh", "-c", MOUNTED, "sh", size]
    if not shutil.which("unshare") or subprocess.run([*own_mounts, "true"], check=False).returncode:
        pytest.skip("only root can mount")
    for side in "AB":
        write_images(tmp_path / f"train{side}", 20, 200, 200)
    root = Path(__file__).parents[2]
    program = [sys.executable, "-c", ALL_BATCHES, str(root), str(root / "tests"), str(tmp_path)]
    run = subprocess.run(
        [*own_mounts, *program], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == "40\n20\n"
    assert "Traceback" not in run.stderr
    assert run.stderr.count("shared memory is too small for the loader processes") == 1
    assert "--shm-size" in run.stderr
    assert "--num_threads 0" in run.stderr
