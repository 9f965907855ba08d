"""Folders of images and folders to write to: missing, empty, in circles, files instead of folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import write_images

from bad_inputs.commands import pairs, train_run, translate, two_folders, weights
from bad_inputs.kind import BadInput

Run = Callable[[], Any]


def cycle(folder: Path, *flags: str, **place: Any) -> Run:
    return lambda: train_run(folder, "--max_dataset_size", "2", *flags, model="cycle_gan", **place)


def trained(folder: Path) -> None:
    """Complains unless the run was saved."""
    assert list((folder / "checkpoints/run").glob("latest_net_G*.pth"))


def missing_root(folder: Path) -> Run:
    return cycle(folder)


def empty_root(folder: Path) -> Run:
    (folder / "given").mkdir()
    return cycle(folder)


def empty_dataroot_flag(folder: Path) -> Run:
    return cycle(folder, root="")


def root_is_a_file(folder: Path) -> Run:
    (folder / "given").write_text("hello")
    return cycle(folder)


def root_with_a_long_name(folder: Path) -> Run:
    return cycle(folder, root=folder / ("x" * 300))


def only_train_a(folder: Path) -> Run:
    write_images(folder / "given/trainA", 2)
    return cycle(folder)


def empty_train_b(folder: Path) -> Run:
    write_images(folder / "given/trainA", 2)
    (folder / "given/trainB").mkdir()
    return cycle(folder)


def pairs_for_a_cycle_gan(folder: Path) -> Run:
    pairs(folder)
    return cycle(folder)


def folders_for_pix2pix(folder: Path) -> Run:
    two_folders(folder)
    return lambda: train_run(folder)


def only_hidden_files(folder: Path) -> Run:
    root = two_folders(folder)
    for file in list((root / "trainA").iterdir()):
        file.rename(file.with_name(f".{file.name}"))
    return cycle(folder)


def folder_named_like_an_image(folder: Path) -> Run:
    two_folders(folder)
    (folder / "given/trainA/x.png").mkdir()
    return cycle(folder)


def only_a_folder_named_like_an_image(folder: Path) -> Run:
    (folder / "given/x.png").mkdir(parents=True)
    weights(folder)
    return lambda: translate(folder)


def odd_width(folder: Path) -> Run:
    write_images(pairs(folder) / "train", 1, 32, 65, start=7)
    return lambda: train_run(folder)


def pair_of_one_pixel_each(folder: Path) -> Run:
    write_images(folder / "given/train", 1, 1, 2)
    return lambda: train_run(folder)


def pair_one_pixel_wide(folder: Path) -> Run:
    write_images(folder / "given/train", 1, 1, 1)
    return lambda: train_run(folder)


def too_small_for_its_crop(folder: Path) -> Run:
    write_images(folder / "given/train", 1, 16, 32)
    return lambda: train_run(folder, "--preprocess", "crop")


def sizes_that_differ_in_a_batch(folder: Path) -> Run:
    root = two_folders(folder)
    write_images(root / "trainA", 1, 40, 56, start=7)
    return cycle(folder, "--preprocess", "none", "--batch_size", "3", "--max_dataset_size", "inf")


def counts_that_differ(folder: Path) -> Run:
    two_folders(folder, A=1, B=3)
    return cycle(folder, "--max_dataset_size", "inf")


def upper_case_extensions(folder: Path) -> Run:
    for file in list(two_folders(folder).rglob("*.png")):
        file.rename(file.with_suffix(".PNG"))
    return cycle(folder)


def sides_in_upper_case(folder: Path) -> Run:
    write_images(folder / "given/TRAINA", 2)
    write_images(folder / "given/TRAINB", 2)
    return cycle(folder)


def circle_of_links(folder: Path) -> Run:
    root = two_folders(folder)
    (root / "trainA/again").symlink_to(root)
    (root / "trainB/there").symlink_to(root / "trainA")
    return cycle(folder)


def folder_that_links_to_itself(folder: Path) -> Run:
    (two_folders(folder) / "trainA/again").symlink_to("again")
    return cycle(folder)


def root_that_links_to_itself(folder: Path) -> Run:
    (folder / "given").symlink_to("given")
    return cycle(folder)


def trailing_slash(folder: Path) -> Run:
    return cycle(folder, root=f"{two_folders(folder)}/")


def relative_root_with_dots(folder: Path) -> Run:
    two_folders(folder)
    return cycle(folder, root=os.path.join(os.path.relpath(folder), "given/trainA/.."))


def results_of_a_root_with_dots(folder: Path) -> Run:
    write_images(folder / "given/deep", 1)
    weights(folder)
    return lambda: translate(folder, root=os.path.join(os.path.relpath(folder), "given/deep/.."))


def results_lie_in_deep(folder: Path) -> None:
    found = {file.name for file in (folder / "results/run/test_latest/images/deep").iterdir()}
    assert found == {"000_real.png", "000_fake.png"}


def all_images_bad_and_skipped(folder: Path) -> Run:
    for file in pairs(folder).rglob("*.png"):
        file.write_bytes(b"")
    return lambda: train_run(folder, "--bad_images", "skip")


def all_images_bad_and_skipped_in_a_test(folder: Path) -> Run:
    for file in pairs(folder).rglob("*.png"):
        file.write_bytes(b"")
    weights(folder)
    return lambda: translate(folder, "--bad_images", "skip")


MESSAGES: dict[str, tuple[Callable[[Path], Run], str]] = {
    "data root missing": (missing_root, "there is no folder"),
    "data root empty": (empty_root, "holds no folders; check --dataroot"),
    "--dataroot ''": (empty_dataroot_flag, "--dataroot is empty"),
    "data root is a file": (root_is_a_file, "is a file; give the folder"),
    "data root of 300 letters": (root_with_a_long_name, "there is no folder"),
    "data root links to itself": (root_that_links_to_itself, "there is no folder"),
    "trainA without trainB": (only_train_a, "trainB: "),
    "trainB empty": (empty_train_b, "trainB holds no images"),
    "pairs, but cycle_gan": (pairs_for_a_cycle_gan, "holds train; check"),
    "two folders, but no pairs": (folders_for_pix2pix, "have no names in common"),
    "only hidden files": (only_hidden_files, "trainA holds no images"),
    "only a folder named x.png": (only_a_folder_named_like_an_image, "holds no images"),
    "pair of odd width": (odd_width, "007.png: 65 pixels wide, which is not a multiple of 2"),
    "pair of one pixel": (pair_one_pixel_wide, "1 pixels wide, which is not a multiple of 2"),
    "image too small for its crop": (too_small_for_its_crop, "000.png: 16x16 pixels are too few"),
    "all images bad and skipped": (all_images_bad_and_skipped, "every image was skipped"),
    "the same in a test": (all_images_bad_and_skipped_in_a_test, "every image was skipped"),
    "TRAINA, TRAINB": (sides_in_upper_case, "holds TRAINA, TRAINB"),
}  # fmt: skip

WORKS: dict[str, tuple[Callable[[Path], Run], Callable[[Path], None]]] = {
    "folder named x.png": (folder_named_like_an_image, trained),
    "pair of two pixels": (pair_of_one_pixel_each, trained),
    "sizes that differ in a batch": (sizes_that_differ_in_a_batch, trained),
    "counts that differ": (counts_that_differ, trained),
    "upper-case extensions": (upper_case_extensions, trained),
    "circle of links": (circle_of_links, trained),
    "folder that links to itself": (folder_that_links_to_itself, trained),
    "data root with a trailing slash": (trailing_slash, trained),
    "relative data root with ..": (relative_root_with_dots, trained),
    "results of a data root with ..": (results_of_a_root_with_dots, results_lie_in_deep),
}  # fmt: skip

KINDS = [
    *(BadInput("folder", name, make, says) for name, (make, says) in MESSAGES.items()),
    *(BadInput("folder", name, make, check=check) for name, (make, check) in WORKS.items()),
]
