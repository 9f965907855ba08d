"""A translator and images of every kind: PIL, arrays, tensors, files, lists."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import picture
from helpers.translator import bare
from PIL import Image

from models import load_translator


def test_each_kind_of_image_comes_back_as_its_kind(cycle, tmp_path) -> None:
    image = picture(1, 33, 46)
    Image.fromarray(image).save(tmp_path / "image.png")
    expected = cycle(image)
    assert expected.dtype == np.uint8
    assert expected.shape == image.shape
    for given in (Image.fromarray(image), tmp_path / "image.png", str(tmp_path / "image.png")):
        result = cycle(given)
        assert isinstance(result, Image.Image)
        assert np.array_equal(np.asarray(result), expected)
    deep = cycle(image.astype(np.uint16) * 257)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - expected).max() <= 0.51
    for dtype in (np.float32, np.float64):
        floats = cycle((image / 255).astype(dtype))
        assert floats.dtype == dtype
        assert np.array_equal((floats * 255).round(), expected)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    result = cycle(tensor)
    assert result.dtype == torch.uint8
    assert np.array_equal(result.permute(1, 2, 0), expected)
    result = cycle(torch.stack([tensor, tensor]) / 127.5 - 1)
    assert result.shape == (2, 3, 33, 46)
    assert np.array_equal(((result[1].permute(1, 2, 0) + 1) * 127.5).round(), expected)


def test_pictures_in_files_are_upright_and_without_transparency(cycle, tmp_path) -> None:
    image = picture(2, 24, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)
    assert cycle(tmp_path / "turned.png").size == (24, 40)
    clear = Image.fromarray(np.dstack([image, np.zeros_like(image[..., :1])]))
    assert np.array_equal(np.asarray(cycle(clear)), cycle(image))
    palette = Image.fromarray(image).quantize(16)
    opaque = np.asarray(palette.convert("RGB"))
    palette.info["transparency"] = bytes(16)
    assert np.array_equal(np.asarray(cycle(palette)), cycle(opaque))


def test_grey_images_go_through_networks_of_colours_and_back(tmp_path) -> None:
    colour = load_translator(bare(tmp_path / "c.pth"), device="cpu")
    grey = load_translator(bare(tmp_path / "g.pth", 1, 1), device="cpu")
    to_grey = load_translator(bare(tmp_path / "cg.pth", 3, 1), device="cpu")
    flat = picture(3, 20, 28)[..., 0]
    thrice = np.repeat(flat[..., None], 3, axis=2)
    assert np.array_equal(colour(flat), colour(thrice))
    assert colour(Image.fromarray(flat)).mode == "RGB"
    assert grey(flat).shape == (20, 28)
    assert grey(flat[..., None]).shape == (20, 28, 1)
    assert np.array_equal(grey(thrice)[..., 0], grey(flat))
    assert grey(Image.fromarray(thrice)).mode == "L"
    assert np.array_equal(np.asarray(grey(Image.fromarray(thrice))), grey(flat))
    assert to_grey(thrice).shape == (20, 28, 1)
    assert to_grey(torch.zeros(3, 20, 28)).shape == (1, 20, 28)
    sixteen = Image.fromarray(flat.astype(np.uint16) * 257)
    assert np.array_equal(np.asarray(grey(sixteen)), grey(flat))


def test_arrays_have_the_channels_of_the_network(tmp_path) -> None:
    t = load_translator(bare(tmp_path / "G.pth", 5, 2), device="cpu")
    assert t(np.zeros((9, 13, 5), np.uint8)).shape == (9, 13, 2)
    with pytest.raises(ValueError, match="takes 5 channels, no picture"):
        t(Image.new("RGB", (8, 8)))
    two = load_translator(bare(tmp_path / "two.pth", 3, 2), device="cpu")
    with pytest.raises(ValueError, match="gives 2 channels, no picture"):
        two(Image.new("RGB", (8, 8)))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 4), np.uint8), "3 channels, not an array of shape .*leave the alpha"),
        (np.zeros((3, 8, 8), np.uint8), r"3 channels, not an array of shape \(3, 8, 8\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"\(H, W\) or \(H, W, C\)"),
        (np.zeros((0, 8, 3), np.uint8), "not empty"),
        (np.zeros((8, 8, 3), np.int64), "uint8, uint16 or floats"),
        (np.full((8, 8, 3), 255.0), r"values in \[0, 1\], not from 255 to 255"),
        (np.full((8, 8, 3), np.nan), "not from nan"),
        (torch.zeros(8, 8), r"\(C, H, W\) or \(N, C, H, W\)"),
        (torch.zeros(0, 3, 8, 8), "not empty"),
        (torch.zeros(3, 8, 8, dtype=torch.int32), "uint8 or floats"),
        (torch.full((3, 8, 8), 200.0), r"values in \[-1, 1\]"),
        (Image.new("RGB", (0, 0)), "not empty"),
        ("nowhere.png", "nowhere.png: is missing or not a plain file"),
        (__file__, "cannot be read as an image"),
        (7, "not int"),
    ],
)
def test_what_is_no_image_is_told_what_is_one(cycle, image, message) -> None:
    with pytest.raises(ValueError, match=message):
        cycle(image)


def test_lists_of_any_sizes_and_kinds_keep_their_order(cycle) -> None:
    sizes = [(16, 16), (16, 16), (20, 12), (16, 16), (9, 30)]
    images = [picture(i, *size) for i, size in enumerate(sizes)]
    mixed = [images[0], Image.fromarray(images[1]), *images[2:]]
    results = cycle(mixed)
    assert isinstance(results[1], Image.Image)
    for image, result in zip(images, results, strict=True):
        assert np.abs(np.asarray(result).astype(int) - cycle(image)).max() <= 1
    assert cycle([]) == []


def test_a_stream_holds_no_more_images_than_go_through_at_once(checkpoints) -> None:
    t = load_translator(checkpoints / "cycle", device="cpu", batch_size=2)
    taken = []

    def images():
        for i in range(5):
            taken.append(i)
            yield torch.zeros(3, 256, 256)

    assert t.at_once(torch.zeros(1, 3, 512, 512)) == 1
    stream = t.stream(images())
    next(stream)
    assert taken == [0, 1]
    assert len(list(stream)) == 4
