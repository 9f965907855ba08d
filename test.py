"""Translates images with a trained model: python test.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan"""

from __future__ import annotations

from options.test_options import ARCHITECTURE, TestOptions
from util.errors import check_command_line, run_command

# --help and mistakes are answered before PyTorch is imported, which takes seconds.
if __name__ == "__main__":
    check_command_line(TestOptions.parse)

import dataclasses
import logging
import sys
from collections.abc import Sequence

import torch
from tqdm import tqdm

from data import BaseDataset
from data.checks.quick import name_findings
from data.held_out import held_out_loader, open_held_out, readable
from data.loading.loader import skipped_lines
from models import BaseModel, Execution, create_model
from models.engine.precision import select_precision
from models.inference.translate_dataset import AT_ONCE, shared, translations
from models.networks.weights import describe_generator, load_network
from models.tiling import draws_dropout
from util import distributed
from util.checkpoints.files import load_weights
from util.device import describe, select_device
from util.distributed.launch import process_group, start_several, wanted
from util.errors import InputError, SharedError, explain_out_of_memory
from util.files import write_text
from util.images.value_results import ValueFiles
from util.logs.logger import At, Logger, Sink
from util.pages.results import ResultWriter
from util.terminal import changes, show_notes


def main(argv: Sequence[str]) -> int:
    """Runs a whole test; returns the exit status."""
    show_notes()
    with process_group():
        options = distributed.from_main(lambda: TestOptions.parse(argv))
        if (processes := wanted(options.run.gpu_ids)) > 1:
            return start_several(__file__, argv, processes)
        with distributed.together():
            device = select_device(options.run.gpu_ids)
            torch.backends.cudnn.benchmark = options.data.preprocess == "resize_and_crop"
            options = with_architecture_of_checkpoint(options)
            execution = Execution(
                device,
                select_precision(options.run.precision, device, training=False),
                tile=options.result.tile,
                tile_mode=options.result.tile_mode,
            )
            model = load_model(options, execution)
            dataset = open_held_out(
                options.data, options.model, options.run.phase, options.run.seed
            )
        if distributed.is_main():
            announce(options, model, device)
            for finding in name_findings(dataset):
                print(finding.brief)
        distributed.check_alike("images", count=len(dataset), content="")
        test(model, dataset, options, device)
    return 0


def with_architecture_of_checkpoint(options: TestOptions) -> TestOptions:
    """The options, with the networks' shape as the weights themselves and the run's options.json tell it."""
    saved = {name: options.saved[name] for name in ARCHITECTURE if name in options.saved}
    meta = Execution(torch.device("meta"))
    with meta.device:  # its names alone are asked for
        generator = next(iter(create_model(options.model, execution=meta).networks()))
    path = options.weights(generator)
    found = describe_generator(load_weights(path))
    if "norm" in saved:  # which the weights do not always tell
        found["norm"] = saved["norm"]
    known = {**saved, **found}
    for name in sorted(options.explicit & known.keys()):
        if getattr(options.model, name) != known[name]:
            logging.warning(
                "--%s %s is used as asked, but this checkpoint was made with %s",
                name,
                getattr(options.model, name),
                known[name],
            )
    taken = {name: value for name, value in known.items() if name not in options.explicit}
    try:
        return dataclasses.replace(options, model=dataclasses.replace(options.model, **taken))
    except ValueError as error:
        raise InputError(f"{path} holds no generator that can be built: {error}") from None


def load_model(options: TestOptions, execution: Execution) -> BaseModel:
    """Loads the trained model, in the mode that --eval asks for."""
    model = create_model(options.model, execution=execution)
    for name, network in model.networks().items():
        load_network(network, options.weights(name))
    return model.train(not options.result.eval)


def announce(options: TestOptions, model: BaseModel, device: torch.device) -> None:
    """Prints the options, the device and where the weights are from; writes test_opt.txt."""
    short = sys.stdout.isatty()
    print(changes(options.changes(), sys.stdout) if short else options.table())
    print(describe(device, options.run.gpu_ids))
    if distributed.world_size() > 1:
        print(f"{distributed.world_size()} processes share the images")
    if options.result.tile and draws_dropout(model):
        logging.warning("--tile switches dropout off, as its noise belongs to whole images")
    for name, network in model.networks().items():
        print(f"loading the model from {options.weights(name)}")
        if options.run.verbose:
            print(network)
    try:
        write_text(options.folder / "test_opt.txt", options.table() + "\n")
    except InputError as error:  # a shared folder of checkpoints may be read-only
        logging.warning("%s", error)


def test(
    model: BaseModel, dataset: BaseDataset, options: TestOptions, device: torch.device
) -> None:
    """Translates the images and writes them and their page to the result folder."""
    data, folder = options.data, options.result_folder
    chosen = "batch_size" in options.explicit
    batch_size = data.batch_size if chosen else AT_ONCE
    loader = held_out_loader(dataset, options.result.num_test, batch_size, device)
    title = (
        f"Experiment = {options.run.name}, Phase = {options.run.phase}, Epoch = {options.run.label}"
    )
    values = ValueFiles(dataset.domains, options.result.save_format)
    writer = ResultWriter(
        folder,
        title,
        dataroot=data.dataroot,
        phase=options.run.phase,
        width=options.log.display_winsize,
        aspect_ratio=options.result.aspect_ratio,
        page=distributed.is_main(),
        write_values=values.write,
    )
    logger = Logger(tracker(options) if distributed.is_main() else [])
    total = loader.sampler.length
    with writer, explain_out_of_memory(), torch.inference_mode(), Progress(total) as progress:
        own = translations(
            model, readable(loader), options.run.seed, device, whole=chosen, kept=values
        )
        for one, facts in shared(own):
            writer.add(one.number, one.paths, one.pictures, one.values, facts)
            progress.count(one.paths)
            if one.pictures:
                logger.images(At(1, writer.count, writer.count, 1.0), one.pictures)
    logger.close("done")
    skipped = {
        path: why for found in distributed.gather(loader.skipped) for path, why in found.items()
    }
    if not writer.count:
        raise SharedError(f"all {total} images were skipped")
    if distributed.is_main():
        print(*skipped_lines(skipped), sep="\n", end="\n" if skipped else "")
        print(f"{writer.count} images translated; see {folder / 'index.html'}")
        if values:
            print(f"their values, of which pictures show but 8 bits: {folder / 'values'}")


def tracker(options: TestOptions) -> list[Sink]:
    """Weights & Biases, where it is asked for and can be reached."""
    if not options.log.use_wandb:
        return []
    from util.logs.sinks.wandb import open_wandb

    return open_wandb(
        options.log.wandb_project_name, options.run.name, options.values(), options.folder
    )


class Progress:
    """A progress bar on a terminal, a line for every fifth image elsewhere; the first process shows it."""

    def __init__(self, total: int) -> None:
        shown = distributed.is_main() and sys.stderr.isatty()
        self.bar = tqdm(total=total, unit="img", disable=not shown)
        self.done = 0

    def count(self, paths: dict[str, str]) -> None:
        if self.bar.disable and distributed.is_main() and self.done % 5 == 0:
            print(
                f"processing ({self.done:04d})-th image... {next(iter(paths.values()))}", flush=True
            )
        self.done += 1
        self.bar.update()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()


if __name__ == "__main__":
    run_command(main)
