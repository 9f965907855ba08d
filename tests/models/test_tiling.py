"""Translating in tiles: what is equal to the whole image, and what is blended."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models import Execution
from models.engine.precision import Precision
from models.networks import define_G
from models.test_model import TestModel, TestModelOptions
from models.tiling import Tiling, tiled, translate_parts
from models.tiling.norm_statistics import Moments
from models.tiling.receptive_field import reaches
from models.tiling.tiles import overlapping, spans, window
from util.errors import InputError
from util.images import at_any_size, padded_sides

BF16 = Precision("cpu", torch.bfloat16)
NORMS = ("instance", "batch", "syncbatch", "none")
# Generator, height and width, tile: more than one tile each way, sizes that are no multiples.
RESNET = ("resnet_6blocks", (250, 190), 64)
UNET = ("unet_64", (70, 390), 64)
OTHERS = [
    ("resnet_9blocks", (90, 250), 64),
    ("unet_128", (100, 800), 128),
    ("encoder_decoder_64", (390, 70), 64),
]


def generator(netG: str, norm: str, dtype: torch.dtype = torch.float64, ngf: int = 2) -> nn.Module:
    """One whose output varies over all of its range, with batch norms that have seen something."""
    torch.manual_seed(0)
    G = define_G(3, 2, ngf, netG, norm, use_dropout=True, init_gain=0.1).to(dtype)
    for module in G.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_var.fill_(0.3)
            module.running_mean.fill_(0.1)
    return G


def picture(size: tuple[int, int], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Noise over a slope: the statistics of no two tiles are alike."""
    noise = torch.rand(1, 3, *size, dtype=dtype, generator=torch.Generator().manual_seed(1)) - 0.5
    return noise + torch.linspace(-0.5, 0.5, size[0], dtype=dtype)[:, None]


def whole(G: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """By the network itself, without dropout."""
    for module in G.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        return at_any_size(G, images, G.size_multiple)


def runs_of(G: nn.Module, images: torch.Tensor, tiling: Tiling) -> tuple[torch.Tensor, list[int]]:
    """The result, and how many pixels the network saw at a time."""
    seen: list[int] = []

    def compute(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
        seen.append(x[0, 0].numel())
        return network(x)

    return tiled(G, images, tiling, compute=compute), seen


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("netG", "size", "tile"), [UNET, RESNET])
def test_tiles_equal_the_whole_for_every_norm(netG, size, tile, norm, training) -> None:
    ngf = 1 if netG.startswith("resnet") and norm != "none" else 2
    G, images = generator(netG, norm, ngf=ngf).train(training), picture(size)
    parts, seen = runs_of(G, images, Tiling(tile))
    expected = whole(G, images)
    assert len(seen) >= 4
    assert max(seen) < math.prod(padded_sides(*size, G.size_multiple))
    assert expected.std() > 0.001
    torch.testing.assert_close(parts, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("netG", "size", "tile"), OTHERS)
def test_tiles_equal_the_whole_for_every_generator(netG, size, tile) -> None:
    G, images = generator(netG, "instance", ngf=1), picture(size)
    parts, seen = runs_of(G, images, Tiling(tile))
    assert len(seen) >= 4
    torch.testing.assert_close(parts, whole(G, images), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("netG", "size", "tile"), [RESNET, UNET])
def test_in_single_precision_they_differ_by_rounding(netG, size, tile) -> None:
    G, images = generator(netG, "instance", torch.float32), picture(size, torch.float32)
    parts = tiled(G, images, Tiling(tile))
    torch.testing.assert_close(parts, whole(G, images), rtol=0, atol=2e-4)


@pytest.mark.parametrize("tile", [16, 100, 1000])
def test_the_size_of_tiles_does_not_matter(tile) -> None:
    G, images = generator("resnet_6blocks", "instance", ngf=1), picture((40, 190))
    parts = tiled(G, images, Tiling(tile))
    torch.testing.assert_close(parts, whole(G, images), rtol=0, atol=1e-10)


def test_images_of_a_batch_keep_their_own_statistics() -> None:
    G = generator("unet_64", "batch")
    images = torch.cat([picture((64, 390)), 0.3 * picture((64, 390))])
    parts = tiled(G, images, Tiling(64))
    for part, image in zip(parts, images, strict=True):
        torch.testing.assert_close(part, whole(G, image[None])[0], rtol=0, atol=1e-11)


@pytest.mark.parametrize("mode", ["exact", "blend"])
def test_the_network_stays_as_it_is(mode) -> None:
    G = generator("unet_64", "batch")
    before = {key: value.clone() for key, value in G.state_dict().items()}
    layers = [type(module) for module in G.modules()]
    tiled(G, picture((64, 390)), Tiling(64, mode))
    assert [type(module) for module in G.modules()] == layers
    assert all(torch.equal(value, before[key]) for key, value in G.state_dict().items())


def test_an_image_that_is_smaller_than_tile_and_surroundings_is_run_once() -> None:
    G, images = generator("unet_64", "instance"), picture((300, 310))
    parts, seen = runs_of(G, images, Tiling(64))  # 64 and 128 on each side are 320
    assert seen == [320 * 320]
    assert torch.equal(parts, whole(G, images))


@pytest.mark.parametrize("netG", ["resnet_6blocks", "resnet_9blocks", "unet_64", "unet_128"])
def test_a_pixel_reaches_as_far_as_is_said_and_no_farther(netG) -> None:
    """By the real layers: what depends on a pixel that is no number is no number."""
    G = generator(netG, "none", ngf=1).eval()
    multiple = G.size_multiple
    (reach,) = reaches(G, multiple)
    side = 2 * reach + 3 * multiple
    images = torch.zeros(1, 3, side, side, dtype=torch.float64)
    start = reach + multiple
    images[..., start : start + multiple, start : start + multiple] = torch.nan
    with torch.no_grad():
        marked = G(images)[0, 0].isnan()
    for axis in (0, 1):
        blocks = marked.any(axis).unflatten(0, (-1, multiple)).any(1).nonzero().flatten()
        assert (blocks[0] * multiple, blocks[-1] * multiple) == (start - reach, start + reach)


def test_the_reach_of_the_deepest_unet_is_two_of_its_multiples() -> None:
    G = define_G(3, 3, 1, "unet_1024", "none")
    assert reaches(G, G.size_multiple) == [2048]


class Mean(nn.Module):
    """A network of a user, in which all depends on all."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) - x.mean((2, 3), keepdim=True)


def test_a_network_that_sees_all_at_once_is_refused_for_exact_tiles() -> None:
    G, images = Mean(), picture((40, 40), torch.float32)
    with pytest.raises(
        InputError, match="Mean every pixel depends on the whole.*--tile_mode blend"
    ):
        tiled(G, images, Tiling(16))
    assert tiled(G, images, Tiling(16, "blend")).shape == images.shape


def test_a_network_that_cannot_be_followed_is_refused_for_exact_tiles() -> None:
    G = nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4))
    with pytest.raises(InputError, match="cannot be followed.*--tile_mode blend"):
        tiled(G, picture((40, 40), torch.float32), Tiling(16))


def test_a_norm_that_is_used_twice_has_statistics_for_each_use() -> None:
    norm = nn.InstanceNorm2d(4)
    G = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), norm, nn.ReLU(), norm).double()
    images = picture((32, 80))
    torch.testing.assert_close(tiled(G, images, Tiling(16)), G(images), rtol=0, atol=1e-12)


def test_moments_of_parts_are_those_of_the_whole_also_far_from_zero() -> None:
    values = torch.rand(1, 3, 50, 40, dtype=torch.float64) + 1e6
    moments = Moments()
    for part in values.split([7, 30, 13], 2):
        moments.add(part)
    variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
    torch.testing.assert_close(
        (moments.mean, moments.variance), (mean, variance), rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("mode", ["exact", "blend"])
def test_parts_come_row_by_row_and_cover_the_image_once(mode) -> None:
    G, images = generator("resnet_6blocks", "none", ngf=1), picture((150, 170))
    seen, corners, steps = torch.zeros(150, 170), [], []

    def read(rows: slice, columns: slice) -> torch.Tensor:
        return images[0][:, rows, columns]

    def progress(done: int, total: int) -> None:
        steps.append((done, total))

    for part in translate_parts(G, read, (150, 170), Tiling(40, mode), progress=progress):
        seen[part.rows, part.columns] += 1
        corners.append((part.rows.start, part.columns.start))
        assert part.values.shape[1:] == seen[part.rows, part.columns].shape
    assert (seen == 1).all()
    assert corners == sorted(corners)
    assert len(corners) > 3
    assert steps == [(i + 1, len(steps)) for i in range(len(steps))]


@pytest.mark.parametrize(
    ("length", "tile", "multiple"), [(960, 96, 4), (1280, 256, 256), (100, 100, 4)]
)
def test_windows_of_blended_tiles_add_up_to_one(length, tile, multiple) -> None:
    total = torch.zeros(length)
    for span in overlapping(length, tile, multiple):
        assert span.last - span.first == tile
        total[span.first : span.last] += window(span, length, tile // 8)
    torch.testing.assert_close(total, torch.ones(length))


@pytest.mark.parametrize(("length", "tile"), [(100, 32), (96, 32), (4, 32)])
def test_tiles_side_by_side_are_no_longer_than_asked_and_nearly_equal(length, tile) -> None:
    cut = spans(length, tile, 12, 4)
    assert [span.start for span in cut[1:]] == [span.stop for span in cut[:-1]]
    lengths = {span.stop - span.start for span in cut}
    assert max(lengths) <= tile
    assert max(lengths) - min(lengths) <= 4


def test_blended_tiles_without_norms_come_near_the_whole_in_one_pass() -> None:
    G, images = generator("resnet_6blocks", "none"), picture((185, 350))
    parts, seen = runs_of(G, images, Tiling(128, "blend"))
    expected = whole(G, images)
    assert len(seen) == 8
    assert set(seen) == {128 * 128}
    assert (parts - expected).abs().mean() < 0.01 * expected.std()


@pytest.mark.parametrize("size", [(5, 3), (1, 1), (17, 300)])
@pytest.mark.parametrize("mode", ["exact", "blend"])
def test_images_of_any_size_keep_it(size, mode) -> None:
    G = generator("resnet_6blocks", "instance", ngf=1)
    assert tiled(G, picture(size), Tiling(24, mode)).shape == (1, 2, *size)


def test_bf16_in_tiles_is_as_near_as_bf16_is() -> None:
    model = TestModel(TestModelOptions(ngf=2, netG="resnet_6blocks", no_dropout=True)).eval()
    images = picture((64, 260), torch.float32)
    with torch.no_grad():
        expected = model.translated(model.G, images)
        model.prepare(Execution(precision=BF16))
        rounded = (model.translated(model.G, images) - expected).abs().mean()
        model.prepare(Execution(precision=BF16, tile=64))
        error = (model.translated(model.G, images) - expected).abs().mean()
    assert 0 < error < 2 * rounded
