"""From nothing to a trained model and a page of its results: real data, training, testing, scores.

python scripts/demo.py [--model pix2pix|cycle_gan]. What is done already is not done again; every step is
an ordinary command, printed before it runs.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import InputError, run_command
from util.metrics import Scorer
from util.metrics.baselines import mean_image

ROOT = Path(__file__).resolve().parents[1]
DATA = "relief2topo"
SIZES = "--load_size 72 --crop_size 64"
# Narrow networks and short schedules: minutes on two CPU cores.
TRAINING = {
    "pix2pix": "--netG unet_64 --ngf 32 --ndf 32 --no_dropout --batch_size 8 --lr 0.0004 "
    "--n_epochs 8 --n_epochs_decay 8",
    "cycle_gan": "--netG resnet_6blocks --ngf 16 --ndf 16 --lambda_identity 0 --lr 0.0005 "
    "--n_epochs 6 --n_epochs_decay 4",
}


def main(argv: Sequence[str]) -> int:
    """Runs the steps that are not done yet; returns the exit status."""
    parser = argparse.ArgumentParser(description="Prepares data, trains, tests and scores.")
    parser.add_argument("--model", choices=sorted(TRAINING), default="pix2pix")
    parser.add_argument("--out", default=".", help="folder for datasets/, checkpoints/, results/")
    options = parser.parse_args(argv)
    model, out = options.model, Path(options.out)
    name = f"demo_{model}"
    data, run, results = (out / p for p in (f"datasets/{DATA}", f"checkpoints/{name}", "results"))
    page = results / name / "test_latest/index.html"
    where = ["--dataroot", data, "--name", name, "--model", model, "--checkpoints_dir", run.parent]
    start = time.perf_counter()

    command("datasets/prepare.py", DATA, "--out", data.parent)
    if not finished(run, model):
        resume = ["--continue_train"] if (run / "latest_state.pth").exists() else []
        flags = f"{TRAINING[model]} {SIZES} --save_latest_freq 2000 --display_id -1".split()
        command("train.py", *where, *flags, *resume)
    if not page.exists() or page.stat().st_mtime < (run / "latest_state.pth").stat().st_mtime:
        command("test.py", *where, "--results_dir", results, "--eval")
    sides = ["B"] if model == "pix2pix" else ["B", "A"]
    for side in sides:
        report(data, page.parent / "images", side)
    print(f"\ntook {time.perf_counter() - start:.0f} s")
    print(f"training page: {(run / 'web/index.html').resolve().as_uri()}")
    print(f"result page:   {page.resolve().as_uri()}")
    return 0


def finished(run: Path, model: str) -> bool:
    """Whether the last epoch has been saved."""
    words = TRAINING[model].split()
    epochs = sum(int(words[words.index(f) + 1]) for f in ("--n_epochs", "--n_epochs_decay"))
    return bool(list(run.glob(f"{epochs}_net_*.pth"))) and (run / "latest_state.pth").exists()


def command(script: str, *words: str | Path) -> None:
    """Runs one of the project's scripts, shown as a user would type it."""
    line = [str(word) for word in words]
    print(f"\n$ python {shlex.join([script, *line])}", flush=True)
    status = subprocess.run([sys.executable, str(ROOT / script), *line], check=False).returncode
    if status:
        raise InputError(f"the step above ended with status {status}")


def report(data: Path, folder: Path, side: str) -> None:
    """Prints the scores of the test split's translations into one domain, beside trivial answers."""
    other = "A" if side == "B" else "B"
    stems = sorted(
        file.name.removesuffix(f"_fake_{side}.png") for file in folder.glob(f"*_fake_{side}.png")
    )

    def pictures(label: str) -> list[np.ndarray]:
        return [read(folder / f"{stem}_{label}.png") for stem in stems]

    truth = pictures(f"real_{side}")
    mean = mean_image(read(file) for file in sorted((data / f"train{side}").glob("*.png")))
    rows = {
        "trained model": pictures(f"fake_{side}"),
        "input as output": pictures(f"real_{other}"),
        "mean training image": [mean] * len(truth),
    }
    print(f"\n{other} -> {side}, {len(stems)} test images       L1     PSNR")
    for label, images in rows.items():
        scorer = Scorer("l1,psnr")
        for image, real in zip(images, truth, strict=True):
            scorer.add(image[None], real[None])
        value = scorer.summary()
        print(f"  {label:<28} {value['l1']:.3f}  {value['psnr']:5.2f} dB")


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    run_command(main)
