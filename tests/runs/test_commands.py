"""The commands that users of the original code copy from the README, FAQ, scripts and notebooks run as they are."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import write_images
from PIL import Image

import test as test_script
import train as train_script
from data import Source, create_dataset
from models import create_model
from models.engine.execution import Execution
from options.train_options import TrainOptions
from util.checkpoints.names import network_path
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")

ROOT = Path(__file__).parents[2]
# Only what makes them quick is added: narrow networks, one epoch, no worker processes, no visdom server.
QUICK_TRAIN = "--ngf 4 --ndf 4 --n_epochs 1 --n_epochs_decay 0 --num_threads 0"
QUICK_TEST = "--ngf 4"

# One of each kind is run, the others are read, and their networks and data sets built.
TRAIN = [
    "--dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --netG unet_256 --direction BtoA "
    "--lambda_L1 100 --dataset_mode aligned --norm batch --pool_size 0",
    "--dataroot ./datasets/colorization --name color_pix2pix --model colorization",
    "--dataroot ./datasets/rectangles --name m --model cycle_gan --preprocess scale_width_and_crop "
    "--load_size 400 --crop_size 360",
    "--dataroot ./datasets/facades --name m --model pix2pix --save_latest_freq 1 --print_freq 1 --save_by_iter",
    "--dataroot ./datasets/facades --name m --model template --save_latest_freq 10 --print_freq 1",
    "--dataroot ./datasets/facades --name m --align_data --which_model_netG unet_256 --loadSize 286 "
    "--fineSize 256 --which_direction BtoA --model pix2pix --no_lsgan --use_dropout --batchSize 2 --nThreads 0",
    "--dataroot ./datasets/maps --name m --model cycle_gan --gpu_ids 0,1 --batch_size 2",
]
READ = [
    "--dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan --pool_size 50 --no_dropout",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA",
    "--dataroot ./datasets/horse2zebra --name horse2zebra --model cycle_gan --display_id -1",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA --display_id -1",
    "--dataroot ./datasets/maps --name m --model cycle_gan --gpu_ids -1",
    "--dataroot ./datasets/maps --name m --model cycle_gan --display_id 0",
    "--dataroot ./datasets/maps --name m --model cycle_gan --norm sync_instance",
    "--dataroot ./datasets/facades --name m --model pix2pix --norm syncbatch",
    "--dataroot ./datasets/facades --name m --model pix2pix --norm sync_batch",
    "--dataroot ./datasets/rectangles --name m --model cycle_gan --preprocess crop --crop_size 256",
    "--dataroot ./datasets/maps --name m --model cycle_gan --save_latest_freq 1 --print_freq 1",
]
TEST = [
    "--dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan",
    "--dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan --phase test --no_dropout",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --netG unet_256 --direction BtoA "
    "--dataset_mode aligned --norm batch",
    "--dataroot ./datasets/maps/testB/ --name facades_pix2pix --model test --netG unet_256 --direction BtoA "
    "--dataset_mode single --norm batch",
    "--dataroot datasets/horse2zebra/testA --name horse2zebra_pretrained --model test --no_dropout",
    "--dataroot ./datasets/facades/ --direction BtoA --model pix2pix --name facades_label2photo_pretrained",
    "--dataroot ./datasets/colorization --name color_pix2pix --model colorization",
    "--dataroot ./datasets/maps/testA --name maps_cyclegan --model test --model_suffix _A --no_dropout",
    "--dataroot ./datasets/rectangles/testA --name maps_cyclegan --model test --model_suffix _A --no_dropout "
    "--preprocess none",
    "--dataroot ./datasets/rectangles --name maps_cyclegan --model cycle_gan --preprocess scale_width --load_size 320",
    "--dataroot ./datasets/rectangles --name maps_cyclegan --model cycle_gan --preprocess scale_width --crop_size 320",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA --eval "
    "--results_dir ./elsewhere --phase val --num_test 1 --aspect_ratio 1.5",
    "--dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --how_many 1 --which_epoch latest",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as users of the original code have it: data sets, and runs trained by the commands below."""
    home = tmp_path_factory.mktemp("home")
    sets = home / "datasets"
    for phase in ("train", "val", "test"):
        write_images(sets / "facades" / phase, 2, 256, 512)
        write_images(sets / "colorization" / phase, 2, 256, 256)
        for side in "AB":
            write_images(sets / "maps" / f"{phase}{side}", 2, 256, 256, start=ord(side))
            write_images(sets / "horse2zebra" / f"{phase}{side}", 2, 256, 256, start=ord(side))
            write_images(sets / "rectangles" / f"{phase}{side}", 1, 290, 391, start=ord(side))
    return home


def run(script, command: str, quick: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    words = shlex.split(command)
    extra = shlex.split(quick)
    if script is train_script and "--display_id" not in words:
        extra += ["--display_id", "-1"]
    assert script.main([*words, *extra]) == 0


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """The runs that the test commands name."""
    patch = pytest.MonkeyPatch()
    for command in TRAIN[:3]:
        run(train_script, command, QUICK_TRAIN, home, patch)
    patch.undo()
    for source, target in (
        ("maps_cyclegan/latest_net_G_A", "horse2zebra_pretrained/latest_net_G"),
        ("facades_pix2pix/latest_net_G", "facades_label2photo_pretrained/latest_net_G"),
    ):
        copy = home / "checkpoints" / f"{target}.pth"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(home / "checkpoints" / f"{source}.pth", copy)
    return home


@pytest.mark.parametrize("command", TRAIN)
def test_training_command_runs_as_printed(command, home, monkeypatch) -> None:
    run(train_script, command, QUICK_TRAIN, home, monkeypatch)
    folder = home / "checkpoints" / shlex.split(command)[3]
    assert list(folder.glob("latest_net_*.pth"))
    assert list(folder.glob("1_net_*.pth"))
    assert (folder / "train_opt.txt").read_text().startswith("----------------- Options")
    assert (folder / "loss_log.txt").exists()


@pytest.mark.parametrize("command", READ)
def test_training_command_is_understood_and_builds_what_it_names(
    command, home, monkeypatch
) -> None:
    monkeypatch.chdir(home)
    options = TrainOptions.parse(shlex.split(command))
    meta = Execution(device=torch.device("meta"))
    with meta.device:
        networks = create_model(options.model, execution=meta).networks()
    pairs = options.model.model == "pix2pix"
    assert {*networks} == ({"G"} if pairs else {"G_A", "G_B"})
    item = create_dataset(options.data, Source.of(options.model))[0]
    assert {name: item[name].shape for name in "AB"} == dict.fromkeys("AB", (3, 256, 256))


RESULTS = ("results", "elsewhere")


def images_to_translate(command: str) -> int:
    """How many there are for a command: of a CycleGAN, those of both sides."""
    words = [*shlex.split(command.replace("--how_many", "--num_test")), "--phase", "test"]
    root, model, phase = (Path(words[words.index(f"--{name}") + 1]) for name in ("dataroot", "model", "phase"))  # fmt: skip
    folders = {"cycle_gan": [root / f"{phase}A", root / f"{phase}B"], "test": [root]}
    count = sum(len([*folder.iterdir()]) for folder in folders.get(str(model), [root / phase]))
    return min(count, int(words[words.index("--num_test") + 1])) if "--num_test" in words else count


@pytest.mark.parametrize("command", TEST)
def test_testing_command_translates_every_image(command, trained, monkeypatch) -> None:
    for folder in RESULTS:
        shutil.rmtree(trained / folder, ignore_errors=True)
    run(test_script, command, QUICK_TEST, trained, monkeypatch)
    (page,) = [page for page in trained.glob("*/*/*/index.html") if page.parts[-4] in RESULTS]
    fakes = [file.name for file in page.parent.glob("images/*_fake*.png")]
    assert len(fakes) == images_to_translate(command)
    assert all(name in page.read_text(encoding="utf-8") for name in fakes)


def test_result_files_have_the_names_that_notebooks_read(trained, monkeypatch) -> None:
    run(test_script, TEST[5], QUICK_TEST, trained, monkeypatch)
    run(test_script, TEST[6], QUICK_TEST, trained, monkeypatch)
    horse = trained / "results/horse2zebra_pretrained/test_latest"
    assert {file.name for file in (horse / "images").iterdir()} == {
        f"{stem:03d}_{label}.png" for stem in (65, 66) for label in ("real", "fake")
    }
    facades = trained / "results/facades_label2photo_pretrained/test_latest"
    assert {file.name for file in (facades / "images").iterdir()} == {
        f"{stem:03d}_{label}.png" for stem in (0, 1) for label in ("real_A", "fake_B", "real_B")
    }
    assert (horse / "index.html").exists()
    assert (facades / "index.html").exists()


def script(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Runs `python FILE ...` or `bash FILE ...` as copied, with FILE in this repository."""
    program, file, *words = shlex.split(command)
    program = sys.executable if program == "python" else program
    return subprocess.run(
        [program, str(ROOT / file), *words], cwd=home, capture_output=True, text=True, check=False
    )


def test_pairs_are_made_by_commands_of_the_original_code(home) -> None:
    for side in "AB":
        write_images(home / "two" / side / "train", 2, 16, 16)
        write_images(home / "two" / f"train{side}", 2, 16, 16)
    for command in (
        "python datasets/combine_A_and_B.py --fold_A two/A --fold_B two/B --fold_AB two/AB",
        "python datasets/make_dataset_aligned.py --dataset-path two",
    ):
        done = script(home, command)
        assert done.returncode == 0, done.stderr
    for folder in ("two/AB/train", "two/train"):
        assert len(list((home / folder).iterdir())) == 2


def test_cityscapes_is_prepared_and_scored_by_commands_of_the_original_code(home) -> None:
    for split in ("train", "val"):
        for kind, ending in (("gtFine", "gtFine_color"), ("leftImg8bit", "leftImg8bit")):
            folder = home / "cs" / kind / split / "bonn"
            write_images(folder, 1, 16, 32)
            (folder / "000.png").rename(folder / f"bonn_0_0_{ending}.png")
        grey = Image.new("L", (32, 16), 7)
        grey.save(home / "cs/gtFine" / split / "bonn/bonn_0_0_gtFine_labelIds.png")
    done = script(
        home,
        "python datasets/prepare_cityscapes_dataset.py --gtFine_dir cs/gtFine "
        "--leftImg8bit_dir cs/leftImg8bit --output_dir datasets/cityscapes",
    )
    assert done.returncode == 0, done.stderr
    evaluate = (
        "python ./scripts/eval_cityscapes/evaluate.py --cityscapes_dir cs "
        "--result_dir datasets/cityscapes/testB --output_dir scores"
    )
    assert "--weights FILE" in script(home, evaluate).stderr  # the Caffe model is gone
    done = script(home, f"{evaluate} --label_maps")
    assert done.returncode == 0, done.stderr
    gone = script(home, "bash ./scripts/eval_cityscapes/download_fcn8s.sh")
    assert gone.returncode == 1
    assert "--weights FILE" in gone.stderr


def test_a_run_is_continued_by_flags_of_the_original_code(home, monkeypatch) -> None:
    quick = QUICK_TRAIN.replace("--n_epochs 1", "--n_epochs 3")
    base = "--dataroot ./datasets/facades --name again --model pix2pix --direction BtoA"
    run(train_script, base, QUICK_TRAIN, home, monkeypatch)
    run(train_script, f"{base} --continue_train --epoch_count 2", quick, home, monkeypatch)
    run(
        train_script, f"{base} --continue_train --epoch_count 3 --epoch 1", quick, home, monkeypatch
    )
    run(train_script, f"{base} --save_by_iter --save_latest_freq 1", QUICK_TRAIN, home, monkeypatch)
    assert network_path(home / "checkpoints/again", "iter_1", "G").exists()
    more = f"{base} --continue_train --epoch_count 2 --load_iter 1"
    run(train_script, more, quick, home, monkeypatch)


def test_wandb_is_asked_for_only_when_wanted(home, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    with pytest.raises(InputError, match="pip install wandb"):
        run(train_script, TRAIN[0] + " --use_wandb", QUICK_TRAIN, home, monkeypatch)


def test_torchrun_trains_with_several_processes(home) -> None:
    command = (
        f"-m torch.distributed.run --standalone --nproc_per_node=2 {ROOT}/train.py --dataroot ./datasets/facades "
        f"--name several --model pix2pix --norm sync_batch --gpu_ids -1 --display_id -1 {QUICK_TRAIN}"
    )
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *shlex.split(command)],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert network_path(home / "checkpoints/several", "latest", "G").exists()
    assert done.stdout.count("End of epoch") == 1  # one process talks
