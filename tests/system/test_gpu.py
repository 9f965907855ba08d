"""Whole commands on an NVIDIA GPU: what they record, that they continue exactly, and that nothing of it stays on the GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.gpu import on_a_gpu
from helpers.runs import assert_same, content, run
from helpers.translator import pixels, results_of
from helpers.words import words

import test as test_script
from models import load_translator

pytestmark = on_a_gpu

LONGER = words("--gpu_ids 0 --n_epochs 2 --n_epochs_decay 1 --print_freq 1")
RECORDED = "steps are recorded as CUDA graphs"


@pytest.mark.parametrize(
    ("model", "flags", "said"),
    [
        ("pix2pix", "--norm batch", RECORDED),
        ("pix2pix", "--netG unet_64 --netD pixel --load_size 72 --crop_size 64", RECORDED),
        ("pix2pix", "--gan_mode lsgan --lambda_GAN 0.5 --ema 0.9 --log_health", RECORDED),
        ("pix2pix", "--lambda_perceptual 10 --batch_size 2", RECORDED),
        ("pix2pix", "--gan_mode wgangp --n_critic 2 --norm instance", "no CUDA graphs"),
        ("pix2pix", "--precision fp16", "no CUDA graphs"),
        ("pix2pix", "--pool_size 3", "no CUDA graphs"),
        ("pix2pix", "--preprocess none", "no CUDA graphs"),
        ("pix2pix", "--r1 1 --r1_interval 4 --diffaugment color,translation,cutout --normD none", RECORDED),
        ("cycle_gan", "--r1 1 --r1_interval 4 --spectral_norm --lr_D 0.0001 --normD none", RECORDED),
        ("cycle_gan", "--pool_size 2 --dropout", RECORDED),
        ("cycle_gan", "--lambda_identity 0 --netD n_layers --n_layers_D 2", RECORDED),
        ("cycle_gan", "--lambda_perceptual 1", RECORDED),
        ("cycle_gan", "--netD projected", RECORDED),
        ("cycle_gan", "--lambda_GAN 0 --val_freq 1 --val_phase test --val_metrics l1,ssim", RECORDED),
        ("cycle_gan", "--batch_size 2 --gan_mode vanilla --ema 0.99 --precision fp32", RECORDED),
    ],
)  # fmt: skip
def test_every_kind_of_training_runs_and_is_recorded_where_it_can_be(
    paired, unpaired, tmp_path, capsys, caplog, model, flags, said
) -> None:
    root = paired if model == "pix2pix" else unpaired
    folder = run(root, tmp_path, "x", *LONGER, *flags.split(), model=model)
    assert said in capsys.readouterr().out
    assert not [r for r in caplog.records if "not recorded" in r.getMessage()]
    for weights in content(folder)["networks"].values():
        for value in weights.values():
            assert value.device.type == "cpu"
            assert torch.isfinite(value).all()


@pytest.mark.parametrize(
    ("model", "flags"),
    [("pix2pix", "--norm batch --precision bf16"), ("cycle_gan", "--pool_size 2 --ema 0.9")],
)
def test_a_resumed_deterministic_run_ends_bit_for_bit_like_an_undisturbed_one(
    paired, unpaired, tmp_path, model, flags
) -> None:
    root = paired if model == "pix2pix" else unpaired
    line = [*LONGER, "--deterministic", *flags.split()]
    whole = run(root, tmp_path, "whole", *line, model=model)
    run(root, tmp_path, "part", *line, "--n_epochs 1 --n_epochs_decay 0", model=model)
    part = run(root, tmp_path, "part", *line, "--continue_train", model=model)
    assert_same(content(whole), content(part))


@pytest.mark.parametrize("model", ["pix2pix", "cycle_gan"])
def test_a_recorded_run_goes_on_from_its_state(paired, unpaired, tmp_path, model) -> None:
    root = paired if model == "pix2pix" else unpaired
    line = words(*LONGER, "--lr 0.00001 --precision fp32")
    whole = run(root, tmp_path, "whole", *line, model=model)
    run(root, tmp_path, "part", *line, "--n_epochs 1 --n_epochs_decay 0", model=model)
    part = run(root, tmp_path, "part", *line, "--continue_train", model=model)
    one, other = content(whole), content(part)
    assert one["progress"]["run_images"] == other["progress"]["run_images"]
    torch.testing.assert_close(one["networks"], other["networks"], rtol=0.02, atol=0.002)


def test_a_gpu_tests_as_the_cpu_does(checkpoints, paired, tmp_path) -> None:
    slow = results_of(checkpoints, tmp_path / "cpu", paired, "plain", "pix2pix")
    line = words("--dataroot", paired, "--checkpoints_dir", checkpoints, "--name plain")
    line += words("--model pix2pix --results_dir", tmp_path / "gpu", "--gpu_ids 0")
    assert test_script.main(line) == 0
    fast = tmp_path / "gpu/plain/test_latest/images"
    for file in slow.glob("*_fake_B.png"):
        difference = np.abs(pixels(file).astype(int) - pixels(fast / file.name))
        assert difference.max() <= 2, file


def test_translators_of_both_devices_agree(checkpoints, unpaired) -> None:
    image = pixels(unpaired / "testA/200.png")
    wanted = load_translator(checkpoints / "cycle", device="cpu")(image).astype(int)
    assert load_translator(checkpoints / "cycle").device.type == "cuda"
    for precision, most in (("fp32", 2), ("bf16", 6), ("fp16", 3)):
        found = load_translator(checkpoints / "cycle", device="cuda", precision=precision)(image)
        assert np.abs(found - wanted).max() <= most, precision
