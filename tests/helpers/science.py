"""Commands of a section of docs/science.md, in this process."""

from __future__ import annotations

import re
import shlex

import test as test_script
import train as train_script
from helpers.runs import ROOT
from scripts import check_dataset, evaluate, translate

MAINS = {
    "train.py": train_script.main,
    "test.py": test_script.main,
    "scripts/check_dataset.py": check_dataset.main,
    "scripts/translate.py": translate.main,
    "scripts/evaluate.py": evaluate.main,
}
QUICK = {  # flags that make them small
    "train.py": "--ngf 2 --ndf 2 --netG resnet_6blocks --crop_size 32 --n_epochs 1 --n_epochs_decay 0 --val_freq 1 "
    "--num_threads 0 --display_id -1 --gpu_ids -1",
    "test.py": "--gpu_ids -1",
    "scripts/check_dataset.py": "--netG resnet_6blocks --load_size 40 --crop_size 32 --gpu_ids -1",
    "scripts/translate.py": "--gpu_ids -1",
    "scripts/evaluate.py": "--gpu_ids -1",
}


def commands(section: str) -> list[list[str]]:
    """The words of the python commands of a section, in their order."""
    text = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    part = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"^python (.*)", part, re.M)]


def run(words: list[str], more: str = "") -> None:
    """Runs a command, made small."""
    script, *flags = words
    assert MAINS[script]([*flags, *QUICK[script].split(), *more.split()]) == 0, words
