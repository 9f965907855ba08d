"""What the authors of CycleGAN, pix2pix and CUT have published: data sets and trained generators, by name."""

from __future__ import annotations

from typing import NamedTuple

WEIGHTS = "{}_pretrained/latest_net_G.pth"


class Kind(NamedTuple):
    url: str  # below the base URL
    folder: str  # below the repository; --out takes its place
    path: str  # below that folder
    names: tuple[str, ...]


# fmt: off
UNPAIRED = (
    "apple2orange", "summer2winter_yosemite", "horse2zebra", "monet2photo", "cezanne2photo",
    "ukiyoe2photo", "vangogh2photo", "maps", "facades", "iphone2dslr_flower", "ae_photos",
    "mini", "mini_pix2pix", "mini_colorization",
)
KINDS = {
    "cyclegan_dataset": Kind("cyclegan/datasets/{}.zip", "datasets", "{}", UNPAIRED),
    "cut_dataset": Kind("cyclegan/datasets/{}.zip", "datasets", "{}", (*UNPAIRED, "grumpifycat")),
    "pix2pix_dataset": Kind("pix2pix/datasets/{}.tar.gz", "datasets", "{}", (
        "night2day", "edges2handbags", "edges2shoes", "facades", "maps",
    )),
    "cyclegan_model": Kind("cyclegan/pretrained_models/{}.pth", "checkpoints", WEIGHTS, (
        "apple2orange", "orange2apple", "summer2winter_yosemite", "winter2summer_yosemite",
        "horse2zebra", "zebra2horse", "monet2photo", "style_monet", "style_cezanne",
        "style_ukiyoe", "style_vangogh", "sat2map", "map2sat", "cityscapes_photo2label",
        "cityscapes_label2photo", "facades_photo2label", "facades_label2photo",
        "iphone2dslr_flower",
    )),
    "pix2pix_model": Kind("pix2pix/models-pytorch/{}.pth", "checkpoints", WEIGHTS, (
        "edges2shoes", "sat2map", "map2sat", "facades_label2photo", "day2night",
    )),
}
# fmt: on
CITYSCAPES = (
    "Cityscapes may not be handed out by others than its owners. Register with them at "
    "https://www.cityscapes-dataset.com, download gtFine_trainvaltest.zip and "
    "leftImg8bit_trainvaltest.zip there, unpack both, and run "
    "python datasets/prepare_cityscapes_dataset.py --gtFine_dir ./gtFine --leftImg8bit_dir "
    "./leftImg8bit --output_dir ./datasets/cityscapes"
)
