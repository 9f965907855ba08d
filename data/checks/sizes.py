"""The effect of --preprocess on images of given sizes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from data.base_dataset import BaseDataset
from data.checks.finding import Finding
from data.transforms import Preprocess, Size

ENLARGED = 1.5  # by more, and the network mostly learns from blur
DISTORTED = 1.2  # ratio of the two sides' factors above which shapes visibly change
A_FEW = 0.1  # share of the images up to which a finding about sizes is but a note


def size_findings(
    dataset: BaseDataset, sizes: Mapping[str, Size], noun: str = "images"
) -> list[Finding]:
    """Says what --preprocess will do to images of these sizes (path -> height, width)."""
    parts = dataset.sides_in_a_file
    if parts == 1:
        return [*pair_findings(dataset, sizes, noun), *_preprocess_findings(dataset, sizes, noun)]
    uneven = [f"{path}: {w} pixels wide" for path, (_, w) in sizes.items() if w % parts]
    findings = []
    if uneven:
        text = f"width not a multiple of {parts}, so no {parts} equal parts: {len(uneven)} of {len(sizes)} {noun}"
        findings.append(Finding(stops(dataset), text, tuple(uneven)))
    square = [path for path, (h, w) in sizes.items() if 0.8 < w / h < 1.25]
    divided = {path: (h, w // parts) for path, (h, w) in sizes.items() if w % parts == 0}
    noun_of_parts = noun.replace("images", "pairs") if parts == 2 else noun
    resizing = _preprocess_findings(dataset, divided, noun_of_parts)
    if len(square) > 0.9 * len(sizes):
        text = (
            f"about square, like single images: {len(square)} of {len(sizes)} {noun}; --dataset_mode "
            f"{dataset.options.dataset_mode} reads {parts} images side by side from one file; see docs/datasets.md"
        )
        findings.append(Finding("note", text))
        # What happens to their parts is beside the point, unless it stops the training.
        resizing = [finding for finding in resizing if finding.severity == "error"]
    return [*findings, *resizing]


def pair_findings(
    dataset: BaseDataset, sizes: Mapping[str, Size], noun: str = "images"
) -> list[Finding]:
    """Finds single images that may be pairs side by side, by their proportions."""
    double = [path for path, (height, width) in sizes.items() if width == 2 * height]
    if len(double) <= 0.9 * len(sizes) or dataset.options.dataset_mode != "single":
        return []
    text = (
        f"twice as wide as high, as pairs side by side are: {len(double)} of {len(sizes)} {noun}; each is translated as "
        "one image here. If they are pairs, test them with --model pix2pix --dataset_mode aligned, or give a folder of "
        "the inputs"
    )
    return [Finding("warning", text)]


def stops(dataset: BaseDataset) -> str:
    """The severity of an image that cannot be used."""
    return "error" if dataset.options.bad_images == "stop" else "warning"


@dataclass(frozen=True)
class _Fate:
    """The fate of an image: its size, the size it is resized to, and that after cropping."""

    size: Size
    resized: Size
    cropped: Size
    rounded: bool  # to the network's multiple

    @property
    def factors(self) -> tuple[float, float]:
        return self.resized[0] / self.size[0], self.resized[1] / self.size[1]

    @property
    def enlarged(self) -> bool:
        return (self.factors[0] * self.factors[1]) ** 0.5 > ENLARGED

    @property
    def distorted(self) -> bool:
        return max(self.factors) / min(self.factors) > DISTORTED


def _fate(preprocess: Preprocess, size: Size) -> _Fate | str:
    """Or the reason why an image of that size cannot be used."""
    image = torch.empty(()).expand(1, *size)  # only its shape counts
    try:
        drawn = preprocess.sample(image, random.Random(0))
    except ValueError as error:
        return str(error)
    whole = replace(preprocess, augment=False).sample(image, random.Random(0)).resized
    rounded = "crop" not in preprocess.mode and drawn.crop is not None and drawn.crop != whole
    return _Fate(size, drawn.resized, drawn.crop or drawn.resized, rounded)


def _preprocess_findings(
    dataset: BaseDataset, sizes: Mapping[str, Size], noun: str
) -> list[Finding]:
    by_size = {size: _fate(dataset.preprocess, size) for size in set(sizes.values())}
    fates = {path: by_size[size] for path, size in sizes.items()}
    unusable = [f"{path}: {why}" for path, why in fates.items() if isinstance(why, str)]
    known = {path: fate for path, fate in fates.items() if isinstance(fate, _Fate)}
    enlarged = [path for path, fate in known.items() if fate.enlarged]
    distorted = [path for path, fate in known.items() if fate.distorted]
    rounded = [path for path, fate in known.items() if fate.rounded]
    findings = []
    if unusable:
        text = f"unusable with --preprocess {dataset.options.preprocess}"
        text = f"{text}: {len(unusable)} of {len(sizes)} {noun}"
        findings.append(Finding(stops(dataset), text, tuple(unusable)))

    def add(what: str, paths: list[str], advice: str) -> None:
        fate = _typical(known, paths)
        change = f"such as {_text(fate.size)} to {_text(fate.resized)}"
        text = f"{what}, {change}: {len(paths)} of {len(sizes)} {noun}"
        if len(paths) > A_FEW * len(sizes):
            findings.append(Finding("warning", f"{text}; {advice}"))
        else:  # no reason to change flags
            lines = tuple(f"{path}: {_text(sizes[path])}" for path in paths)
            findings.append(Finding("note", text, lines))

    if enlarged:
        advice = _smaller(dataset, _typical(known, enlarged).size)
        add(f"enlarged by more than {ENLARGED:g}", enlarged, f"takes time, adds nothing; {advice}")
    if distorted:
        advice = "--preprocess scale_width_and_crop or crop would keep proportions"
        add("squeezed or stretched", distorted, advice)
    if rounded:
        fate = _typical(known, rounded)
        what = (
            f"trained at sides rounded to multiples of {dataset.preprocess.multiple}, as the network needs "
            f"them, such as {_text(fate.size)} at {_text(fate.cropped)}"
        )
        findings.append(Finding("note", f"{what}: {len(rounded)} of {len(sizes)} {noun}"))
    return findings


def _typical(fates: Mapping[str, _Fate], paths: Sequence[str]) -> _Fate:
    """The one of median size."""
    return sorted((fates[path] for path in paths), key=lambda fate: fate.size)[len(paths) // 2]


def _smaller(dataset: BaseDataset, size: Size) -> str:
    """Advice on flags for images of that size."""
    source, mode = dataset.source, dataset.options.preprocess
    crop = min(size) // source.multiple * source.multiple
    if mode == "none" or ("crop" in mode and crop < max(source.smallest, 1)):
        return "use larger images, or a --netG for smaller ones (unet_64, resnet_6blocks)"
    if mode == "scale_width":
        return f"--load_size {size[1]} would do"
    return f"--load_size {crop + crop // 8} --crop_size {crop} would do"


def _text(size: Size) -> str:
    height, width = size
    return f"{width}x{height}"
