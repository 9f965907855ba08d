"""Translates images with a trained model: python test.py --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan"""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from data import Source, create_dataset, dataset_options
from data.image_reader import BadImage
from data.loader import Loader
from models import BaseModel, create_model, model_options, place
from models.layers import separate_images
from models.loading import describe_generator, load_network
from models.precision import select_precision
from options.test_options import ARCHITECTURE, TestOptions
from util.checkpoint import load_weights, network_path
from util.device import describe, select_device
from util.errors import InputError, run_command
from util.failures import explained
from util.files import write_text
from util.images import to_uint8
from util.logger import At, Logger, Sink
from util.position_seed import position_seed
from util.results import ResultWriter

AT_ONCE = 8  # small images


def main(argv: Sequence[str]) -> int:
    """Runs a whole test; returns the exit status."""
    options = TestOptions.parse(argv, model_options, dataset_options)
    logging.basicConfig(format="note: %(message)s")
    device = select_device(options.run.gpu_ids)
    torch.backends.cudnn.benchmark = options.data.preprocess == "resize_and_crop"
    options = with_architecture_of_checkpoint(options)
    print(options.table())
    print(describe(device, options.run.gpu_ids))
    model = place(load_model(options), device)
    model.precision = select_precision(options.run.precision, device, training=False)
    test(model, options, device)
    return 0


def with_architecture_of_checkpoint(options: TestOptions) -> TestOptions:
    """The options, with the networks' shape as the weights themselves and the run's options.json tell it."""
    saved = {name: options.saved[name] for name in ARCHITECTURE if name in options.saved}
    with torch.device("meta"):  # its names alone are asked for
        generator = next(iter(create_model(options.model, device="meta").networks()))
    path = network_path(options.folder, options.run.label, generator)
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


def load_model(options: TestOptions) -> BaseModel:
    """The trained model, on the CPU, in the mode that --eval asks for."""
    model = create_model(options.model)
    for name, network in model.networks().items():
        path = network_path(options.folder, options.run.label, name)
        load_network(network, path)
        print(f"loading the model from {path}")
        if options.run.verbose:
            print(network)
    return model.train(not options.result.eval)


def test(model: BaseModel, options: TestOptions, device: torch.device) -> None:
    """Translates the images and writes them and their page to the result folder."""
    data, folder = options.data, options.result_folder
    # In a fixed order A and B go side by side, and every image of both is used.
    dataset = create_dataset(
        dataclasses.replace(data, serial_batches=True),
        Source(
            phase=options.run.phase,
            input_nc=options.model.input_nc,
            output_nc=options.model.output_nc,
            augment=False,
            seed=options.run.seed,
        ),
    )
    try:
        write_text(options.folder / "test_opt.txt", options.table() + "\n")
    except InputError as error:  # a shared folder of checkpoints may be read-only
        logging.warning("%s", error)
    chosen = "batch_size" in options.explicit
    loader = Loader(
        dataset,
        batch_size=data.batch_size if chosen else AT_ONCE,
        num_threads=data.num_threads,
        bad_images=data.bad_images,
        device=device,
    )
    total = int(min(len(loader), options.result.num_test))
    title = (
        f"Experiment = {options.run.name}, Phase = {options.run.phase}, Epoch = {options.run.label}"
    )
    writer = ResultWriter(
        folder,
        title,
        dataroot=data.dataroot,
        phase=options.run.phase,
        width=options.log.display_winsize,
        aspect_ratio=options.result.aspect_ratio,
    )
    logger = Logger(tracker(options))
    with writer, explained(), torch.inference_mode():
        shown_batches = progress(batches(loader, total), total)
        results = translations(model, shown_batches, options.run.seed, device, whole=chosen)
        for number, (paths, images) in enumerate(results, start=1):
            writer.add(images, {name: paths[model.sources.get(name, "A")] for name in images})
            logger.images(At(1, number, number, 1.0), images)
    logger.close()
    for line in loader.report():
        print(line)
    if not writer.count:
        raise InputError(f"all {total} images were skipped")
    print(f"{writer.count} images translated; see {folder / 'index.html'}")


def translations(
    model: BaseModel,
    batches: Iterator[dict[str, Any]],
    seed: int,
    device: torch.device,
    *,
    whole: bool,
) -> Iterator[tuple[dict[str, str], dict[str, np.ndarray]]]:
    """For every image its paths, by "A" and "B", and uint8 pictures, by name.

    whole: whether batches are translated as they come, however large their images.
    """
    generators = separate_images(model) if model.training else []
    count = 0
    for batch in batches:
        for part in [batch] if whole else parts(batch):
            A_paths, B_paths = part["A_paths"], part.get("B_paths", part["A_paths"])
            seeds = [position_seed(seed, count + i) for i in range(len(A_paths))]
            torch.manual_seed(seeds[0])
            generators[:] = [torch.Generator(device).manual_seed(one) for one in seeds]
            images = model.displayable(model.translate(part))
            pictures = {name: to_uint8(image) for name, image in images.items()}
            for i, paths in enumerate(zip(A_paths, B_paths, strict=True)):
                yield (
                    dict(zip("AB", paths, strict=True)),
                    {name: picture[i] for name, picture in pictures.items()},
                )
            count += len(A_paths)


def tracker(options: TestOptions) -> list[Sink]:
    """Weights & Biases, where it is asked for and can be reached."""
    if not options.log.use_wandb:
        return []
    from util.sinks.wandb_sink import open_wandb

    return open_wandb(
        options.log.wandb_project_name, options.run.name, options.values(), str(options.folder)
    )


def batches(loader: Loader, total: int) -> Iterator[dict[str, Any]]:
    """Batches of the first `total` images."""
    left = total
    try:
        for batch in loader.epoch(1):
            size = len(batch["A_paths"])
            yield {key: value[:left] for key, value in batch.items()} if size > left else batch
            left -= size
            if left <= 0:
                return
    except BadImage as bad:
        raise InputError(f"{bad}\nmend or remove it, or use --bad_images skip") from None


def parts(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The batch in parts that need no more memory than AT_ONCE images of 256 x 256."""
    images = [value for value in batch.values() if torch.is_tensor(value) and value.dim() == 4]
    pixels = max((image[0, 0].numel() for image in images), default=1)
    size = max(1, AT_ONCE * 256 * 256 // pixels)
    for start in range(0, len(batch["A_paths"]), size):
        yield {key: value[start : start + size] for key, value in batch.items()}


def progress(items: Iterator[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """A progress bar on a terminal, a line for every fifth image elsewhere."""
    bar = tqdm(total=total, unit="img", disable=not sys.stderr.isatty())
    done = 0
    with bar:
        for item in items:
            if bar.disable and done % 5 == 0:
                print(f"processing ({done:04d})-th image... {item['A_paths'][0]}", flush=True)
            yield item
            done += len(item["A_paths"])
            bar.update(len(item["A_paths"]))


if __name__ == "__main__":
    run_command(main)
