"""Trains the runs in this folder with the code in the current directory: see README.md.

git worktree add ../old 56dfcfc
cd ../old && python PATH/TO/tests/old_runs/make.py
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SMALL = "--gpu_ids -1 --ngf 1 --ndf 1 --num_threads 0 --lr 0.002 --init_gain 0.2 --ema 0.8 --display_id -1"
LONG = f"{SMALL} --n_epochs_decay 0 --val_freq 1 --print_freq 1 --save_epoch_freq 9"
# name of the run -> its flags; DATA is a folder of data, RUNS the folder of runs
RUNS = {
    "pix2pix": "--model pix2pix --dataroot DATA/pairs --netG unet_64 --load_size 70 --crop_size 64 --pool_size 1",
    "cycle_gan": "--model cycle_gan --dataroot DATA/sides --netG resnet_6blocks --load_size 36 --crop_size 32 "
    "--pool_size 3",
    "colorization": "--model colorization --dataroot DATA/photos --netG resnet_6blocks --load_size 36 --crop_size 32",
    # A teacher's file, since which weights of a folder teach is chosen better by now.
    "distill": "--model distill --teacher RUNS/cycle_gan/latest_net_G_A.pth --dataset_mode unaligned --dataroot DATA/sides "
    "--netG resnet_6blocks --norm instance --no_dropout --load_size 36 --crop_size 32",
}
EPOCHS = 2
# of test.py: which weights and statistics it uses must not hang on its defaults
TESTED = "--gpu_ids -1 --eval --use_ema --num_test 1 --preprocess none"


def picture(number: int, height: int, width: int) -> np.ndarray:
    """A colourful uint8 picture (H, W, 3), the same on every machine: whole numbers only."""
    y, x, c = np.ogrid[:height, :width, :3]
    waves = abs((x * (3 + c) + 40 * number) % 128 - 64) + abs(
        (y * (5 - c) + 70 * number) % 256 - 128
    )
    return (waves + 20 * c).astype(np.uint8)


def write_data(root: Path) -> None:
    folders = {"pairs": (64, 128, ""), "photos": (32, 32, ""), "sides": (32, 32, "AB")}
    for phase, count, start in (("train", 5, 0), ("val", 2, 10), ("test", 1, 20)):
        for kind, (height, width, sides) in folders.items():
            for side in sides or [""]:
                folder = root / kind / f"{phase}{side}"
                folder.mkdir(parents=True)
                for i in range(start, start + count):
                    image = picture(i + (50 if side == "B" else 0), height, width)
                    Image.fromarray(image).save(folder / f"{i:02d}.png")


def words(name: str, flags: str, data: Path, runs: Path) -> list[str]:
    flags = flags.replace("DATA", str(data)).replace("RUNS", str(runs))
    return ["--name", name, "--checkpoints_dir", str(runs), *flags.split()]


def result_words(name: str, data: Path, runs: Path, results: Path) -> list[str]:
    """A command line of test.py that leaves nothing to its defaults."""
    root = re.search(r"--dataroot (\S+)", RUNS[name])[1]
    flags = f"--model {name} --dataroot {root} --results_dir {results} {TESTED}"
    return words(name, flags, data, runs)


def main() -> None:
    """Stops each run in its second epoch and keeps it; continues a copy, and keeps what it ends with."""
    for name in RUNS:
        shutil.rmtree(HERE / name, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        data, runs, ended = (Path(folder) / part for part in ("data", "runs", "ended"))
        write_data(data)
        for name, flags in RUNS.items():
            command = [sys.executable, "train.py", *words(name, flags, data, runs), *LONG.split()]
            command += ["--n_epochs", str(EPOCHS)]
            stop_in_epoch_2(command)
            keep(runs / name, HERE / name)
        shutil.copytree(runs, ended)
        for name, flags in RUNS.items():
            more = ["--continue_train", "--checkpoints_dir", str(ended)]
            command = [sys.executable, "train.py", *words(name, flags, data, runs), *more]
            subprocess.run(command, check=True)
            network = "G_A" if name == "cycle_gan" else "G"
            shutil.copy(ended / name / f"latest_net_{network}.pth", HERE / name / "ended.pth")
            subprocess.run(
                [sys.executable, "test.py", *result_words(name, data, runs, ended)], check=True
            )
            (image,) = (ended / name).glob("test_*/images/*fake_B*")
            shutil.copy(image, HERE / name / "tested.png")


def stop_in_epoch_2(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="")
            if line.startswith("(epoch: 2, iters: 2,"):
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM


def keep(run: Path, kept: Path) -> None:
    shutil.copytree(run, kept, ignore=shutil.ignore_patterns("web", "best_*", "*_net_D*"))


if __name__ == "__main__":
    main()
