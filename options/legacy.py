"""Flag spellings of the 2017 code base, still met in tutorials, rewritten to today's before parsing."""

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
}
REPLACED = {  # switches that became a value
    "--no_lsgan": ["--gan_mode", "vanilla"],
    "--align_data": ["--dataset_mode", "aligned"],
    "--use_dropout": ["--dropout"],
}


VALUES = ("--range_A", "--range_B")  # whose values may begin with a minus, as no other word may


def modernise(argv: list[str]) -> list[str]:
    """The command line with old flag names replaced by the names they have now."""
    modern: list[str] = []
    for word in argv:
        if modern and modern[-1] in VALUES and re.match(r"-[\d.]", word):
            modern[-1] += f"={word}"
            continue
        name, equals, value = word.partition("=")
        if name in REPLACED and not equals:
            modern += REPLACED[name]
        else:
            modern.append(RENAMED.get(name, name) + equals + value)
    return modern
