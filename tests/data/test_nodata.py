"""Pixels without data: found, filled, and left out of what is learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from helpers.data import dataset
from helpers.format import write
from helpers.model import cycle_gan, pix2pix

from models.pix2pix_model import Pix2PixModel, Pix2PixOptions
from models.training.setup import leaves_out_missing
from util.images.nodata import fill_missing, mark_missing
from util.images.read import BadImage


def gappy(value: float, dtype: type = np.float32) -> np.ndarray:
    """A ramp whose last two columns hold no data."""
    array = np.tile(np.arange(8), (8, 1)).astype(dtype)
    array[:, 6:] = value
    return array


@pytest.mark.parametrize(
    ("nodata", "array"),
    [
        ("nan", gappy(math.nan)),
        ("-9999", gappy(-9999)),
        ("255", gappy(255, np.uint8)),
        ("65535", gappy(65535, np.uint16)),
    ],
)
def test_pixels_without_data_are_filled_with_the_mean_and_named(tmp_path, nodata, array) -> None:
    write(tmp_path / "a.tif", array)
    item = dataset(tmp_path, "single", input_nc=1, range_A="0,10", nodata=nodata)[0]
    assert item["A_valid"][0, 0].tolist() == [True] * 6 + [False] * 2
    expected = [-1, -0.8, -0.6, -0.4, -0.2, 0, -0.5, -0.5]  # the mean of 0 to 5 is 2.5
    assert item["A"][0, 0].tolist() == pytest.approx(expected)


def test_without_the_flag_the_message_names_it(tmp_path) -> None:
    write(tmp_path / "a.tif", gappy(math.nan))
    bad = dataset(tmp_path, "single", input_nc=1, range_A="0,10")[0]
    assert isinstance(bad, BadImage)
    assert "--nodata nan leaves them out" in bad.reason
    plain = dataset(tmp_path, "single", input_nc=1, range_A="0,10", nodata="nan")[0]
    assert set(plain) == {"A", "A_valid", "A_paths", "number"}


def test_a_missing_channel_makes_the_pixel_missing_and_infinity_stays_an_error(tmp_path) -> None:
    array = np.ones((8, 8, 2), np.float32)
    array[0, 0, 1] = -1
    write(tmp_path / "a.npy", array)
    item = dataset(tmp_path, "single", input_nc=2, range_A="0,2", nodata="-1")[0]
    assert (~item["A_valid"]).nonzero().tolist() == [[0, 0, 0]]
    array[3, 3] = np.inf
    write(tmp_path / "a.npy", array)
    assert isinstance(
        dataset(tmp_path, "single", input_nc=2, range_A="0,2", nodata="-1")[0], BadImage
    )


def test_resizing_never_mixes_missing_pixels_into_others(tmp_path) -> None:
    array = np.full((32, 32), 5, np.float32)
    array[:, 20:] = -9999
    write(tmp_path / "a.npy", array)
    flags = {"preprocess": "resize_and_crop", "load_size": 24, "crop_size": 24, "nodata": "-9999"}
    item = dataset(tmp_path, "single", input_nc=1, range_A="0,10", **flags)[0]
    valid = item["A_valid"][0, 0]
    assert 12 <= valid.sum() <= 15
    assert item["A"][0].abs().max() < 1e-6  # 5 everywhere


def test_both_images_of_a_pair_say_which_of_their_pixels_count_also_from_the_cache(
    tmp_path,
) -> None:
    write(tmp_path / "trainA/a.npy", gappy(math.nan))
    write(tmp_path / "trainB/a.npy", gappy(math.nan)[:, ::-1])
    flags = {"input_nc": 1, "output_nc": 1, "range_A": "0,10", "range_B": "0,10", "nodata": "nan"}
    for cache in ("", str(tmp_path / "cache"), str(tmp_path / "cache")):
        item = dataset(tmp_path, "aligned", cache=cache, **flags)[0]
        assert item["A_valid"][0, 0].tolist() == item["B_valid"][0, 0].flip(0).tolist()
        assert not item["A"].isnan().any()


def test_measured_ranges_do_not_count_missing_pixels(tmp_path) -> None:
    write(tmp_path / "a.tif", gappy(-9999))
    flags = {"input_nc": 1, "range_A": "measure", "nodata": "-9999"}
    assert dataset(tmp_path, "single", **flags).ranges()["range_A"] == "0.0,5.0"


def test_images_without_any_data_are_filled_with_the_middle_of_the_range() -> None:
    filled, valid = fill_missing(torch.full((2, 1, 4, 4), math.nan))
    assert filled.abs().max() == 0
    assert not valid.any()
    assert mark_missing(filled, valid).isnan().all()


def missing_to_the_right() -> torch.Tensor:
    valid = torch.ones(1, 1, 32, 32, dtype=torch.bool)
    valid[..., 20:] = False
    return valid


def test_pix2pix_learns_nothing_from_missing_pixels() -> None:
    torch.manual_seed(0)
    A, B = torch.rand(2, 1, 1, 32, 32) * 2 - 1
    valid = missing_to_the_right()
    common = {"A": A, "A_paths": ["a"], "B_paths": ["b"], "A_valid": valid, "B_valid": valid}
    losses = []
    for truth in (B, torch.where(valid, B, -B)):
        torch.manual_seed(0)
        model = pix2pix(input_nc=1, output_nc=1, lambda_GAN=0.0)
        steps = [model.train_step({**common, "B": truth}) for _ in range(2)]
        losses.append([float(step.losses["G_L1"]) for step in steps])
        fake = steps[1].visuals["fake_B"]
        assert losses[-1][1] == pytest.approx(
            100 * float((fake - truth).abs()[..., :20].mean()), rel=1e-5
        )
        assert torch.equal(fake[..., 20:], truth[..., 20:])  # which D sees in both
    assert losses[0] == losses[1]


def test_cycle_gan_compares_the_pixels_with_data_alone() -> None:
    torch.manual_seed(0)
    A, B = torch.rand(2, 1, 1, 32, 32) * 2 - 1
    valid, everywhere = missing_to_the_right(), torch.ones(1, 1, 32, 32, dtype=torch.bool)
    batch = {"A": A, "B": B, "A_paths": ["a"], "B_paths": ["b"]}
    model = cycle_gan(input_nc=1, output_nc=1)
    step = model.train_step({**batch, "A_valid": valid, "B_valid": everywhere})
    images = step.visuals
    expected = 10 * float((images["rec_A"] - A).abs()[..., :20].mean())
    assert float(step.losses["cycle_A"]) == pytest.approx(expected, rel=1e-5)
    outside = images["fake_B"][..., 20:]
    assert (
        float(outside.min())
        == float(outside.max())
        == pytest.approx(float(images["fake_B"][..., :20].mean()), abs=1e-5)
    )


def test_models_that_do_not_say_that_they_leave_pixels_out_refuse_the_flag() -> None:
    class Mine(Pix2PixModel):
        pass

    model = Mine(Pix2PixOptions(ngf=2, netG="resnet_6blocks"))
    assert not leaves_out_missing(model)
    assert leaves_out_missing(pix2pix())
