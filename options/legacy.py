"""Flags of earlier code, that of 2017 and that of CUT, still met in tutorials: rewritten before parsing, or explained."""

from __future__ import annotations

import re

RENAMED = {
    "--which_model_netG": "--netG",
    "--which_model_netD": "--netD",
    "--which_direction": "--direction",
    "--loadSize": "--load_size",
    "--fineSize": "--crop_size",
    "--batchSize": "--batch_size",
    "--nThreads": "--num_threads",
    "--niter": "--n_epochs",
    "--niter_decay": "--n_epochs_decay",
    "--which_epoch": "--epoch",
    "--resize_or_crop": "--preprocess",
    "--ntest": "--num_test",
    "--how_many": "--num_test",
    "--identity": "--lambda_identity",
    "--display_single_pane_ncols": "--display_ncols",
    "--normG": "--norm",
}
# Switches that became a value.
REPLACED = {
    "--no_lsgan": ["--gan_mode", "vanilla"],
    "--align_data": ["--dataset_mode", "aligned"],
    "--use_dropout": ["--dropout"],
}
SWITCHES: dict[str, dict[str, dict[str, str]]] = {
    "no_lsgan": {"True": {"gan_mode": "vanilla"}, "False": {"gan_mode": "lsgan"}},
    "align_data": {"True": {"dataset_mode": "aligned"}},
    "use_dropout": {"True": {"no_dropout": "False"}},
}
VALUES = {
    ("--lr_policy", "lambda"): "linear",
    ("--model", "one_direction_test"): "test",
    ("--display_id", "None"): "1",  # CUT's default: any window
}
# A flag whose meaning hung on the model: where the model has the second one, that was meant.
BY_MODEL = {"lambda_A": "lambda_L1"}
DROPPED = {
    "--which_model_preNet": "networks are preceded by nothing: leave it out",
    "--cluster_path": "it did nothing: leave it out",
    "--n_clusters": "it did nothing: leave it out",
    "--evaluation_freq": "it did nothing in the code of CUT: leave it out, and use --val_freq",
    "--pretrained_name": "--init_from ./checkpoints/NAME does the same, without --continue_train: leave it out",
    "--random_scale_max": "it belongs to SinCUT, which is not here: leave it out",
    "--stylegan2_G_num_downsampling": "it belongs to StyleGAN2 networks, which are not here: leave it out",
    "--lambda_B": "with pairs there is one weight, --lambda_L1: leave it out",
}
# A name for the page of CUT's launcher alone; scripts/compare_results.py calls runs by --name.
IGNORED = "--easy_label"
# Flags whose values may begin with a minus, as no other word may.
SIGNED = ("--range_A", "--range_B", "--nodata")


def modernise(argv: list[str]) -> list[str]:
    """Replaces old names of flags, and of their values, by those of today.

    Commands for the code of CUT have no --model: --CUT_mode says that it is cut.
    """
    modern: list[str] = []
    names = {word.partition("=")[0] for word in argv}
    if "--CUT_mode" in names and "--model" not in names:
        modern = ["--model", "cut"]
    words = iter(argv)
    for word in words:
        if modern and modern[-1] in SIGNED and re.match(r"-[\d.]", word):
            modern[-1] += f"={word}"
            continue
        name, equals, value = word.partition("=")
        if name == IGNORED:
            if not equals:
                next(words, None)
            continue
        if name in REPLACED and not equals:
            modern += REPLACED[name]
            continue
        name = RENAMED.get(name, name)
        if equals:
            modern.append(f"{name}={VALUES.get((name, value), value)}")
        else:
            modern.append(VALUES.get((modern[-1], name), name) if modern else name)
    return modern


def modernise_saved(flags: dict[str, str]) -> dict[str, str]:
    """Replaces old names and values in the flags of a train_opt.txt by those of today."""
    modern = {}
    for name, value in flags.items():
        if name in SWITCHES:
            modern.update(SWITCHES[name].get(value, {}))
            continue
        today = RENAMED.get(f"--{name}", f"--{name}")
        modern[today.removeprefix("--")] = VALUES.get((today, value), value)
    return modern
