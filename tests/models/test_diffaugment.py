"""Differentiable augmentation of what D sees, by draws that are given."""

from __future__ import annotations

import torch

from models.engine.diffaugment import augment, draw_augmentation

ALL = ("color", "translation", "cutout")


def drawn(**draws: float) -> dict[str, torch.Tensor]:
    """The draws of a single image: integers for places, others for colours."""
    whole = {name: torch.tensor([value]) for name, value in draws.items()}
    return {k: v if v.dtype == torch.int64 else v.view(1, 1, 1, 1) for k, v in whole.items()}


def test_an_image_is_moved_by_whole_pixels_and_what_comes_in_is_zero() -> None:
    image = torch.arange(1.0, 13.0).view(1, 1, 3, 4)
    moved = augment(image, drawn(down=1, right=-2))
    assert moved[0, 0].tolist() == [[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]
    assert torch.equal(augment(image, drawn(down=0, right=0)), image)


def test_half_of_each_side_is_cut_out_and_less_at_the_border() -> None:
    image = torch.ones(1, 2, 4, 6)
    cut = augment(image, drawn(row=2, column=3))
    assert torch.equal(cut[0, 0], cut[0, 1])
    assert cut[0, 0].tolist() == [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0, 1],
        [1, 1, 0, 0, 0, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    assert augment(image, drawn(row=0, column=0))[0, 0].eq(0).sum() == 1 * 2


def test_brightness_is_added_and_saturation_and_contrast_stretch_what_differs_from_the_mean() -> (
    None
):
    image = torch.tensor([0.0, 0.3, 0.6]).view(1, 3, 1, 1) + torch.tensor([-0.2, 0.2])
    same = {"brightness": 0.0, "saturation": 1.0, "contrast": 1.0}
    brighter = augment(image, drawn(**{**same, "brightness": 0.25}))
    torch.testing.assert_close(brighter, image + 0.25)
    grey = augment(image, drawn(**{**same, "saturation": 0.0}))
    torch.testing.assert_close(grey, image.mean(1, keepdim=True).expand_as(image))
    stretched = augment(image, drawn(**{**same, "contrast": 1.5}))
    torch.testing.assert_close(stretched, 0.3 + 1.5 * (image - 0.3))


def test_a_condition_is_moved_with_the_image_and_keeps_its_colours_and_its_middle() -> None:
    pair = torch.rand(1, 5, 8, 8)
    given = drawn(brightness=0.3, saturation=0.5, contrast=1.2, down=1, right=1, row=4, column=4)
    found = augment(pair, given, condition_nc=2)
    assert torch.equal(found[:, :2], augment(pair[:, :2], drawn(down=1, right=1)))
    assert torch.equal(found[:, 2:], augment(pair[:, 2:], given))


def test_gradients_pass_to_the_pixels_that_are_left() -> None:
    image = torch.rand(1, 1, 4, 4, requires_grad=True)
    augment(image, drawn(down=1, right=0, row=3, column=2)).sum().backward()
    # The rows 0, 1, 2 are now 1, 2, 3, of which 2 and 3 have lost their middle; row 3 is gone.
    assert image.grad[0, 0].tolist() == [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0]]


def test_draws_are_each_images_own_and_stay_within_the_published_limits() -> None:
    torch.manual_seed(0)
    draws = draw_augmentation(ALL, torch.empty(2000, 3, 32, 63))
    limits = {
        "brightness": (-0.5, 0.5),
        "saturation": (0, 2),
        "contrast": (0.5, 1.5),
        "down": (-4, 4),
        "right": (-8, 8),
        "row": (0, 32),
        "column": (0, 63),
    }
    assert draws.keys() == limits.keys()
    for name, (low, high) in limits.items():
        values = draws[name]
        assert len(values) == 2000
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
    assert not draw_augmentation((), torch.empty(1, 3, 8, 8))
