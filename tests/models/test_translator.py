"""load_translator: the generator that was asked for, giving what test.py gives, from any thread."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
import torch
from conftest import picture
from helpers.translator import pixels, results_of

from models import load_translator
from util.checkpoints import files as checkpoint
from util.errors import InputError


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
