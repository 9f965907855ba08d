"""A teacher and its student side by side: size, arithmetic, time, quality."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from models.inference.find_generator import SavedGenerator
from scripts.lib.exporting.generator import Exportable, open_generator
from scripts.lib.exporting.pictures import TestPicture
from scripts.lib.exporting.scores import score_outputs

WARM_UP = 2  # rounds that do not count


@dataclass(frozen=True)
class GeneratorRow:
    """Row of one generator.

    Attributes:
        megabytes: of the weights file. macs: multiplications of convolutions, for one image.
        milliseconds: median for one image on this CPU.
        truth, teacher: metric -> value against the truths, and against the teacher's outputs; {} where there are none.
    """

    title: str
    parameters: int
    megabytes: float
    macs: int
    milliseconds: float
    truth: dict[str, float]
    teacher: dict[str, float]


def compare_generators(
    generators: dict[str, SavedGenerator], pictures: Sequence[TestPicture], rounds: int, norm: str
) -> list[GeneratorRow]:
    """Returns the rows of generators, of which the first is the teacher, with one policy of batch norm."""
    opened = {title: open_generator(saved, norm) for title, saved in generators.items()}
    outputs = {
        title: [each.translator.translate_tensor(picture.image) for picture in pictures]
        for title, each in opened.items()
    }
    times = time_generators(opened, pictures[0].image, rounds)
    truths = [picture.truth for picture in pictures]
    taught = next(iter(outputs.values()))
    rows = []
    for title, each in opened.items():
        rows.append(
            GeneratorRow(
                f"{title}: {describe_architecture(each.facts['architecture'])}",
                sum(parameter.numel() for parameter in each.network.parameters()),
                generators[title].path.stat().st_size / 1e6,
                count_macs(each, pictures[0].image),
                1000 * times[title],
                score_outputs(outputs[title], truths),
                {} if outputs[title] is taught else score_outputs(outputs[title], taught),
            )
        )
    return rows


def describe_architecture(architecture: dict[str, Any]) -> str:
    return f"{architecture['netG']}, ngf {architecture['ngf']}" if architecture else "own network"


def count_macs(exportable: Exportable, image: torch.Tensor) -> int:
    """Multiplications of convolutions, counted as the direct sum has them."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        exportable.network(image)
    return counter.get_total_flops() // 2


def time_generators(
    opened: dict[str, Exportable], image: torch.Tensor, rounds: int
) -> dict[str, float]:
    """Returns median seconds of each for the image, taken in turn, so that they share what else the machine does."""
    taken: dict[str, list[float]] = {title: [] for title in opened}
    for _ in range(rounds + WARM_UP):
        for title, each in opened.items():
            start = time.perf_counter()
            each.translator.translate_tensor(image)
            taken[title].append(time.perf_counter() - start)
    return {title: statistics.median(seconds[WARM_UP:]) for title, seconds in taken.items()}


def format_table(rows: Sequence[GeneratorRow], pictures: int, size: int) -> str:
    """Writes the rows as Markdown. L1 is the mean error, 0 to 1 of the grey range, PSNR in dB."""
    head = ["generator", "parameters", "MB", f"GMACs at {size}", "ms on this CPU"]
    head += ["L1 to truth", "PSNR to truth", "L1 to teacher", "PSNR to teacher"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [row.title, f"{row.parameters:,}", f"{row.megabytes:.2f}", f"{row.macs / 1e9:.3f}"]
        cells += [f"{row.milliseconds:.1f}"]
        for values in (row.truth, row.teacher):
            cells += [f"{values['l1']:.4f}", f"{values['psnr']:.2f}"] if values else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    first, last = rows[0], rows[-1]
    ratios = (
        f"\n{pictures} test images. The student has {first.parameters / last.parameters:.1f} times fewer parameters, "
        f"{first.macs / last.macs:.1f} times fewer multiplications, and takes "
        f"{last.milliseconds / first.milliseconds:.2f} of the teacher's time."
    )
    return "\n".join([*lines, ratios])
