"""What the doctor says about sizes."""

from __future__ import annotations

import pytest
from conftest import write_images
from helpers.doctor import aligned, clean_folders, clean_pairs, photo, save


def test_images_too_small_for_the_crop_are_errors(tmp_path, checked) -> None:
    save(clean_folders(tmp_path) / "trainA/small.png", photo(9, 12, 16))
    report = checked(tmp_path, "--model", "cycle_gan", "--preprocess", "crop")
    report.one("error: unusable with --preprocess crop: 1 of 9 images")
    assert "trainA/small.png: 16x12 pixels are too few for --crop_size 16" in report.text
    assert report.status == 1


def test_enlarged_images_are_counted_and_better_sizes_named(tmp_path, checked) -> None:
    sizes = ["--load_size", "72", "--crop_size", "64", "--quick"]
    report = checked(clean_folders(tmp_path), "--model", "cycle_gan", *sizes)
    finding = report.one("warning: enlarged by more than 1.5, such as 16x16 to 72x72: 8 of 8")
    assert finding.endswith("--load_size 18 --crop_size 16 would do")
    assert report.status == 0


def test_distorted_images_are_counted_and_a_remedy_named(tmp_path, checked) -> None:
    write_images(tmp_path / "trainA", 2, 16, 24)
    write_images(tmp_path / "trainB", 2, 16, 24, start=5)
    flags = ["--model", "cycle_gan", "--quick"]
    finding = checked(tmp_path, *flags).one("warning: squeezed or stretched")
    assert "24x16 to 18x18: 4 of 4 images; --preprocess scale_width_and_crop" in finding
    assert checked(tmp_path, *flags, "--preprocess", "scale_width_and_crop").findings == []


def test_a_few_images_of_another_shape_are_but_noted(tmp_path, checked) -> None:
    write_images(tmp_path, 19, 16, 16)
    write_images(tmp_path, 1, 16, 32, start=19)
    report = checked(tmp_path, "--dataset_mode", "single", "--quick")
    report.one("note: squeezed or stretched")
    assert "019.png: 32x16" in report.text


@pytest.mark.parametrize("mode", ["none", "scale_width"])
def test_sides_rounded_to_the_networks_multiple_are_noted(tmp_path, checked, mode) -> None:
    write_images(tmp_path, 3, 18, 18)
    report = checked(tmp_path, "--dataset_mode", "single", "--preprocess", mode, "--quick")
    assert "multiples of 4" in report.one("note")
    assert "18x18 at 16x16: 3 of 3 images" in report.one("note")
    fitting = ["--preprocess", mode, "--load_size", "16", "--quick"]
    write_images(tmp_path, 3, 16, 16)
    assert checked(tmp_path, "--dataset_mode", "single", *fitting).findings == []


def test_a_crop_that_the_networks_cannot_take_is_an_error_and_no_step_is_tried(
    tmp_path, checked
) -> None:
    report = checked(clean_pairs(tmp_path), *aligned("--crop_size", "14"))
    assert "use 12 or 16" in report.one("error: --crop_size 14 does not fit")
    assert "not tried" in report.text
    assert report.status == 1
