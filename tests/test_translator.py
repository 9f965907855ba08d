"""load_translator: what test.py gives, for every kind of image, from any thread."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture
from PIL import Image
from translator_helpers import pixels, results_of

from models import Translator, create_model, load_translator
from models.networks import GENERATORS, define_G
from models.test_model import TestModelOptions
from util import checkpoint
from util.errors import InputError
from util.images import at_any_size


@pytest.fixture(scope="module")
def cycle(checkpoints: Path) -> Translator:
    return load_translator(checkpoints / "cycle", device="cpu")


def bare(path: Path, input_nc: int = 3, output_nc: int = 3, **more) -> Path:
    """A weights file of an untrained generator, alone in the world."""
    flags = {"ngf": 2, "netG": "resnet_6blocks", "norm": "instance", "init_gain": 0.2, **more}
    checkpoint.save(path, define_G(input_nc, output_nc, **flags).state_dict())
    return path


@pytest.mark.parametrize(("direction", "side"), [("AtoB", "A"), ("BtoA", "B")])
def test_both_directions_of_a_cycle_gan_are_those_of_test_py(
    checkpoints, unpaired, tmp_path, direction, side
) -> None:
    images = results_of(checkpoints, tmp_path, unpaired, "cycle", "cycle_gan")
    t = load_translator(checkpoints / "cycle", direction=direction, device="cpu")
    files = sorted((unpaired / f"test{side}").glob("*.png"))
    label = "fake_B" if side == "A" else "fake_A"
    for file, result in zip(files, t([pixels(file) for file in files]), strict=True):
        assert np.array_equal(result, pixels(images / f"{file.stem}_{label}.png"))


def test_pix2pix_without_dropout_gives_what_test_py_gives(checkpoints, paired, tmp_path) -> None:
    images = results_of(checkpoints, tmp_path, paired, "plain", "pix2pix")
    t = load_translator(checkpoints / "plain", direction="BtoA", device="cpu")
    whole = [pixels(paired / f"test/{i:03d}.png") for i in range(3)]
    for i, result in enumerate(t([pair[:, 32:] for pair in whole])):  # B is on the right
        assert np.array_equal(result, pixels(images / f"{i:03d}_fake_B.png"))


def test_with_statistics_of_training_it_gives_what_eval_gives(
    checkpoints, paired, tmp_path
) -> None:
    images = results_of(checkpoints, tmp_path, paired, "noisy", "pix2pix", "--eval")
    t = load_translator(checkpoints / "noisy", device="cpu", running_statistics=True)
    result = t(pixels(paired / "test/000.png")[:, :32])
    assert np.array_equal(result, pixels(images / "000_fake_B.png"))


def test_dropout_is_off_and_batch_norm_goes_by_the_image(checkpoints, paired) -> None:
    t = load_translator(checkpoints / "noisy", device="cpu")
    steady = load_translator(checkpoints / "noisy", device="cpu", running_statistics=True)
    image = pixels(paired / "test/000.png")[:, :32]
    first = t(image)
    assert np.array_equal(first, t(image))
    other = pixels(paired / "test/001.png")[:, :32]
    assert np.abs(first.astype(int) - t([other, image])[1]).max() <= 1
    assert not np.array_equal(first, steady(image))


def test_the_direction_is_that_of_training_unless_it_is_given(checkpoints, unpaired) -> None:
    image = pixels(unpaired / "testA/200.png")
    forth, back = (
        load_translator(checkpoints / "cycle", direction=d, device="cpu") for d in ("AtoB", "BtoA")
    )
    assert np.array_equal(load_translator(checkpoints / "cycle", device="cpu")(image), forth(image))
    assert not np.array_equal(forth(image), back(image))
    assert load_translator(checkpoints / "plain").device.type in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match=r"was trained to translate BtoA .* no generator for AtoB"):
        load_translator(checkpoints / "plain", direction="AtoB")


def test_a_file_tells_its_generator(checkpoints, cycle, unpaired, tmp_path) -> None:
    image = pixels(unpaired / "testA/200.png")
    for name in ("latest_net_G.pth", "horses.pth"):
        shutil.copy(checkpoints / "cycle/latest_net_G_A.pth", tmp_path / name)
        t = load_translator(tmp_path / name, device="cpu")
        assert np.array_equal(t(image), cycle(image))
    assert np.array_equal(load_translator(tmp_path, device="cpu")(image), cycle(image))
    with pytest.raises(InputError, match="is not the generator for BtoA: that is G_B"):
        load_translator(checkpoints / "cycle/latest_net_G_A.pth", direction="BtoA")


def test_epochs_the_best_and_averages_can_be_chosen(checkpoints, unpaired) -> None:
    image, folder = pixels(unpaired / "testA/200.png"), checkpoints / "cycle"

    def by_file(name: str) -> np.ndarray:
        return load_translator(folder / name, device="cpu")(image)

    for epoch, label in ((1, "1"), ("1", "1"), ("best", "best_l1"), ("best_l1", "best_l1")):
        result = load_translator(folder, epoch=epoch, device="cpu")(image)
        assert np.array_equal(result, by_file(f"{label}_net_G_A.pth"))
    averaged = load_translator(folder, use_ema=True, device="cpu")(image)
    assert np.array_equal(averaged, by_file("latest_net_G_A_ema.pth"))
    assert not np.array_equal(averaged, by_file("latest_net_G_A.pth"))


@pytest.mark.parametrize(
    ("where", "arguments", "message"),
    [
        ("nowhere", {}, "there is no file or folder"),
        ("cycle", {"epoch": 7}, r"7_net_G_A\.pth does not exist; found 1_net_D_A\.pth"),
        ("cycle", {"direction": "AtoC"}, "'AtoC' is unknown: choose from AtoB, BtoA"),
        ("plain", {"epoch": "best"}, r"holds no best_\*_net_G\.pth: .*--val_freq"),
        ("plain", {"device": "gpu"}, "device 'gpu' cannot be used here"),
        ("plain", {"precision": "fp16", "device": "cpu"}, "use fp32"),
        ("plain", {"batch_size": 0}, "must be at least 1"),
        ("plain/latest_net_D.pth", {}, "D.pth holds no generator|does not fit"),
        ("plain/options.json", {}, "not a checkpoint of plain tensors"),
    ],
)
def test_what_cannot_be_loaded_is_said(checkpoints, where, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        load_translator(checkpoints / where, **arguments)


def test_several_best_have_to_be_chosen_from(checkpoints, tmp_path) -> None:
    for metric in ("l1", "ssim"):
        shutil.copy(checkpoints / "plain/latest_net_G.pth", tmp_path / f"best_{metric}_net_G.pth")
    with pytest.raises(InputError, match="choose from best_l1, best_ssim"):
        load_translator(tmp_path, epoch="best")


def test_a_network_of_ones_own_is_built_by_its_model(tmp_path, monkeypatch) -> None:
    import models

    (tmp_path / "halving_model.py").write_text(
        "from torch import nn\nfrom models.test_model import TestModel\n"
        "class HalvingModel(TestModel):\n"
        "    def build_G(self, input_nc, output_nc):\n"
        "        return nn.Conv2d(input_nc, output_nc, 1, groups=3, bias=False)\n"
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    checkpoint.save(tmp_path / "latest_net_G.pth", {"weight": torch.full((3, 1, 1, 1), 0.5)})
    (tmp_path / "options.json").write_text('{"flags": {"model": "halving"}}')
    image = torch.rand(3, 5, 7)
    assert torch.equal(load_translator(tmp_path, device="cpu")(image), image / 2)
    (tmp_path / "options.json").unlink()
    with pytest.raises(InputError, match="holds no generator of a kind known here"):
        load_translator(tmp_path)


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
        ("nowhere.png", "there is no file nowhere.png"),
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


def test_threads_do_not_disturb_each_other(checkpoints) -> None:
    t = load_translator(checkpoints / "noisy", device="cpu")
    images = [picture(i, 24 + 4 * i, 32) for i in range(8)]
    expected = [t(image) for image in images]
    results: dict[int, list[np.ndarray]] = {}
    start = threading.Barrier(8)

    def work(i: int) -> None:
        start.wait()
        results[i] = [t(images[i]) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, image in enumerate(expected):
        assert all(np.array_equal(result, image) for result in results[i])


def test_loading_and_translating_leave_chance_and_gradients_alone(checkpoints) -> None:
    before = torch.get_rng_state()
    t = load_translator(checkpoints / "noisy", device="cpu")
    result = t(torch.zeros(3, 16, 16))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()
    weight = torch.ones((), requires_grad=True)
    (result * weight).sum().backward()  # results may be trained on
    assert weight.grad is not None


@pytest.mark.parametrize("netG", GENERATORS)
@pytest.mark.parametrize("size", [(33, 70), (5, 9)])
def test_any_size_is_mirrored_below_and_to_the_right_and_cut_back(netG, size) -> None:
    options = TestModelOptions(netG=netG, ngf=1, norm="none", no_dropout=True, init_gain=0.3)
    G = create_model(options).eval().G
    multiple = G.size_multiple
    image = torch.rand(1, 3, *size) * 2 - 1
    extra = [-(-max(side, 8) // multiple) * multiple - side for side in size]
    widths = ((0, 0), (0, 0), (0, extra[0]), (0, extra[1]))
    padded = torch.from_numpy(np.pad(image.numpy(), widths, mode="reflect"))
    with torch.no_grad():
        expected = G(padded)[..., : size[0], : size[1]]
        result = at_any_size(G, image, multiple)
    assert result.shape == image.shape
    assert torch.equal(result, expected)


@pytest.mark.parametrize("netG", [name for name in GENERATORS if "decoder" not in name])
def test_results_are_not_shifted_against_the_image(tmp_path, netG) -> None:
    """What changes with a spot lies around the spot, in images of odd sizes too."""
    G = define_G(3, 3, 2, netG, "none")
    for parameter in G.parameters():  # means of what they see, so that all changes are centred
        torch.nn.init.constant_(parameter, 1 / parameter[0].numel() if parameter.dim() == 4 else 0)
    checkpoint.save(tmp_path / "G.pth", G.state_dict())
    t = load_translator(tmp_path / "G.pth", device="cpu")
    y, x = 22, 42
    plain = torch.zeros(3, 43, 67)
    spot = plain.clone()
    spot[:, y - 1 : y + 2, x - 1 : x + 2] = 1
    change = (t(spot) - t(plain)).abs().sum(0)
    change[change < change.max() / 2] = 0
    rows, columns = torch.meshgrid(torch.arange(43.0), torch.arange(67.0), indexing="ij")
    assert abs((change * rows).sum() / change.sum() - y) < 2
    assert abs((change * columns).sum() / change.sum() - x) < 2
