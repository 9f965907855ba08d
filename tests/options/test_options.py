"""The command line: how it is understood, and what contradicts itself."""

from __future__ import annotations

import json
import math

import pytest
from helpers.option import fails, for_test, train

from models import model_options
from options.legacy import modernise
from options.test_options import inherited
from options.train_options import TrainOptions


def test_defaults_of_the_model_are_cycle_gan_for_training_and_test_for_testing() -> None:
    assert train().model.model == "cycle_gan"
    assert for_test().model.model == "test"


def test_a_data_set_brings_its_own_flags_and_defaults() -> None:
    options = train("--model", "template", "--dataset_mode", "template")
    assert options.data.new_dataset_option == 2.0
    assert options.data.max_dataset_size == 10
    colour = train("--model", "pix2pix", "--dataset_mode", "colorization")
    assert (colour.model.input_nc, colour.model.output_nc) == (1, 2)


def test_names_of_2017_mean_what_they_meant() -> None:
    old = "--which_model_netG unet_128 --loadSize 150 --fineSize=128 --niter 7 --no_lsgan --use_dropout"
    options = train("--model", "cycle_gan", *old.split())
    assert options.model.netG == "unet_128"
    assert (options.data.load_size, options.data.crop_size) == (150, 128)
    assert options.optim.n_epochs == 7
    assert options.model.gan_mode == "vanilla"
    assert options.model.no_dropout is False
    assert modernise(["--name", "a", "--display_id", "-1"]) == ["--name", "a", "--display_id", "-1"]


def test_flags_may_be_shortened_even_those_that_decide_which_flags_exist() -> None:
    options = train("--mod", "pix2pix", "--batch", "4", "--lambda_L", "7")
    assert (options.model.model, options.data.batch_size, options.model.lambda_L1) == (
        "pix2pix",
        4,
        7,
    )
    assert {"model", "batch_size", "lambda_L1"} <= options.explicit


def test_every_switch_can_be_switched_back() -> None:
    assert train("--model", "cycle_gan").model.no_dropout is True
    assert train("--model", "cycle_gan", "--dropout").model.no_dropout is False
    assert train("--serial_batches", "--no_serial_batches").data.serial_batches is False


def test_suffix_fills_in_the_values_of_flags(capsys) -> None:
    options = train("--name", "n", "--suffix", "{model}_{netG}_size{load_size}")
    assert options.run.name == "n_cycle_gan_resnet_9blocks_size286"
    assert "no flag is named 'nothing'" in fails(capsys, "--suffix", "{nothing}")


def test_infinity_can_be_typed() -> None:
    assert train("--max_dataset_size", "inf").data.max_dataset_size == math.inf
    assert train("--max_dataset_size", "7").data.max_dataset_size == 7


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--model nonsense", "--model 'nonsense' is unknown: choose from"),
        ("--dataset_mode ../x", "--dataset_mode '../x' is unknown"),
        ("--direction BtoC", "invalid choice: 'BtoC'"),
        ("--load_size 100", "--load_size 100 is smaller than --crop_size 256"),
        ("--crop_size 512", "give --load_size 512"),
        ("--name ../../x", "--name '../../x' must be a plain folder name"),
        ("--name", "expected one argument"),
        ("--batch_size 0", "--batch_size 0 must be at least 1"),
        ("--batch_size x", "invalid int value: 'x'"),
        ("--lr -1", "--lr -1.0 must be at least 0"),
        ("--lr nan", "--lr nan must be at least 0"),
        ("--beta1 1", "--beta1 1.0 must be at least 0 and less than 1"),
        ("--gpu_ids cuda", "--gpu_ids 'cuda' is not -1"),
        ("--epoch last", "--epoch 'last' is neither a number nor latest, best or best_METRIC"),
        ("--epoch_count 300", "nothing would be trained"),
        ("--n_epochs 0 --n_epochs_decay 0", "nothing would be trained"),
        ("--max_dataset_size many", "'many' is neither a whole number nor 'inf'"),
        ("--augment rot90,rot45", "--augment 'rot45': choose from rot90, flip, scale"),
        ("--diffaugment color,hue", "--diffaugment 'hue': choose from color, translation, cutout"),
        (
            "--model pix2pix --label_B 3 --lambda_perceptual 1",
            "--label_B 3 makes label maps of them: leave one out",
        ),
        (
            "--model cycle_gan --label_A 3 --lambda_perceptual 1",
            "--label_A 3 makes label maps of them: leave one out",
        ),
        ("--netD projected --output_nc 4", "1 or 3 channels, not --output_nc 4"),
        ("--netD projected --input_nc 2", "1 or 3 channels, not --input_nc 2"),
        ("--netD projected --model pix2pix --label_B 3", "--netD projected needs pictures, and"),
        ("--netD projected --model cut --num_D 2", "four scales itself: leave out --num_D 2"),
        ("--model colorization --netD projected", "1 or 3 channels, not --output_nc 2"),
        ("--r1_interval 4", "--r1_interval 4 needs an --r1 above 0"),
        ("--model pix2pix --lambda_CE 5", "--lambda_CE 5.0 needs --label_B"),
        ("--model cut --label_B 3", "use --model pix2pix or cycle_gan"),
        ("--model colorization --label_A 1", "leave out --label_A and --label_B"),
        ("--crops_per_image 2 --preprocess none", "needs a --preprocess that crops, not none"),
        ("--model colorization --direction BtoA", "goes from grey to colour"),
        ("--lambda_nonsense 3", "unrecognized arguments: --lambda_nonsense"),
        ("--options nowhere.json", "cannot read nowhere.json"),
        ("--model base", "models/base_model.py has no complete class"),
        ("--model gan", "models/gan_model.py has no complete class"),
        ("--dataset_mode base", "data/base_dataset.py has no complete class"),
        ("--model=", "--model '' is unknown"),
        ("--lr inf", "--lr inf must be at most"),
        ("--ngf 9999999", "--ngf 9999999 must be at most 4096"),
        ("--init_gain -1", "--init_gain -1.0 must be at least 0"),
        ("--suffix {ngf[0]}", "write flags as {netG}"),
        ("--suffix {", "write flags as {netG}"),
        ("--phase ../x", "--phase '../x' must be a plain folder name"),
        ("--model colorization --input_nc 3", "--model colorization goes from L to ab"),
    ],
)
def test_a_contradiction_is_one_line_that_names_the_flag(words, message, capsys) -> None:
    assert message in fails(capsys, *words.split())


def test_dataroot_is_required(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        TrainOptions.parse([])
    assert stop.value.code == 2
    assert "--dataroot" in capsys.readouterr().err
    told = fails(
        capsys, "--datroot", "D", "--n_epochs", "3", parse=lambda *words: TrainOptions.parse(words)
    )
    assert "required: --dataroot; --datroot is unknown (did you mean --dataroot?) (see" in told


def test_options_of_a_run_can_be_read_back_and_the_command_line_wins(tmp_path, capsys) -> None:
    file = tmp_path / "options.json"
    first = train("--model", "pix2pix", "--ngf", "8", "--no_flip", "--max_dataset_size", "inf")
    file.write_text(first.json())
    again = train("--options", str(file))
    assert again.values() == first.values()
    changed = train("--options", str(file), "--ngf", "16", "--flip")
    assert (changed.model.ngf, changed.data.no_flip) == (16, False)

    for flags in ({"ngf": True}, {"lr": True}, {"model": 5}, {"dataset_mode": 7}):
        file.write_text(json.dumps({"flags": flags}))
        assert fails(capsys, "--options", str(file))
    file.write_text(json.dumps({"flags": {"ngf": "wide"}}))
    assert "options.json: 'wide' is not a value for --ngf" in fails(capsys, "--options", str(file))
    file.write_text("{")
    assert "is not valid JSON" in fails(capsys, "--options", str(file))
    file.write_text("[]")
    assert "is not an options file" in fails(capsys, "--options", str(file))


def test_a_test_takes_over_what_its_run_was_trained_with(tmp_path) -> None:
    words = ["--name", "n", "--checkpoints_dir", str(tmp_path)]
    trained = train(
        *words, "--model", "pix2pix", "--netG", "unet_128", "--direction", "BtoA", "--ngf", "8",
        "--load_size", "143", "--crop_size", "128", "--batch_size", "9",
    )  # fmt: skip
    (tmp_path / "n").mkdir()
    (tmp_path / "n/options.json").write_text(trained.json())
    plain = for_test(*words, "--model", "pix2pix")
    assert (plain.model.netG, plain.model.ngf, plain.data.direction) == ("unet_128", 8, "BtoA")
    assert (plain.data.load_size, plain.data.crop_size, plain.data.batch_size) == (128, 128, 1)
    one_sided = for_test(*words)  # --model test
    assert (one_sided.model.netG, one_sided.model.norm) == ("unet_128", "batch")
    assert one_sided.data.dataset_mode == "single"
    larger = for_test(*words, "--model", "pix2pix", "--crop_size", "256")
    assert (larger.data.load_size, larger.data.crop_size) == (256, 256)


@pytest.mark.parametrize(
    ("trained", "wanted"),
    [
        ({"preprocess": "resize_and_crop", "load_size": 80, "crop_size": 64}, ("resize_and_crop", 64)),
        ({"preprocess": "scale_width_and_crop", "load_size": 1024, "crop_size": 360}, ("scale_width", 1024)),
        ({"preprocess": "scale_width", "load_size": 300}, ("scale_width", 300)),
        ({"preprocess": "crop", "crop_size": 64}, ("none", None)),
        ({"preprocess": "none"}, ("none", None)),
    ],
)  # fmt: skip
def test_a_test_preprocesses_as_training_did_without_chance(trained, wanted) -> None:
    taken = inherited(trained, "pix2pix")
    assert (taken["preprocess"], taken.get("load_size")) == wanted


def test_options_are_built_without_a_command_line() -> None:
    group = model_options("pix2pix")
    assert (group().norm, group(ngf=8).ngf) == ("batch", 8)
    with pytest.raises(ValueError, match="--ngf 0 must be at least 1"):
        group(ngf=0)


def test_help_lists_the_flags_of_the_model(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        train("--model", "pix2pix", "--help")
    assert stop.value.code == 0
    assert "--lambda_L1" in capsys.readouterr().out
