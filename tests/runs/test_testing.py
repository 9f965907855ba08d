"""Whole runs of test.py: result folders, names and pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_TRAINING, write_images
from helpers.words import words
from PIL import Image

import test as test_script
import train
from util.errors import InputError
from util.images import save_image, to_uint8
from util.pages.results import result_name


@pytest.fixture(scope="module")
def runs(paired: Path, unpaired: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of a small pix2pix ("p") and a small CycleGAN ("c")."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, root, flags in (
        ("p", paired, words("--model pix2pix --netG resnet_6blocks --norm batch")),
        ("c", unpaired, words("--model cycle_gan --netG resnet_6blocks")),
    ):
        line = ["--dataroot", str(root), "--name", name, "--checkpoints_dir", str(folder)]
        assert train.main([*line, *flags, *SMALL_TRAINING]) == 0
    return folder


def run(runs: Path, out: Path, root: Path, name: str, model: str, *flags: str) -> Path:
    """Tests and returns the result folder."""
    where = words("--dataroot", root, "--name", name, "--checkpoints_dir", runs, "--model", model)
    assert test_script.main([*where, *words("--results_dir", out, "--gpu_ids -1", *flags)]) == 0
    return next(folder for folder in (out / name).iterdir())


def files(folder: Path) -> set[str]:
    images = folder / "images"
    return {str(file.relative_to(images)) for file in images.rglob("*.png")}


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_pix2pix_writes_three_images_for_every_pair(runs, paired, tmp_path) -> None:
    folder = run(runs, tmp_path, paired, "p", "pix2pix")
    assert folder == tmp_path / "p/test_latest"
    assert files(folder) == {
        f"{i:03d}_{label}.png" for i in range(3) for label in ("real_A", "fake_B", "real_B")
    }
    whole = pixels(paired / "test/001.png")
    assert np.array_equal(pixels(folder / "images/001_real_A.png"), whole[:, :32])
    assert np.array_equal(pixels(folder / "images/001_real_B.png"), whole[:, 32:])


def test_both_directions_are_complete_when_b_has_more_images(runs, unpaired, tmp_path) -> None:
    folder = run(runs, tmp_path, unpaired, "c", "cycle_gan")
    A = {f"{i}_{label}.png" for i in (200, 201) for label in ("real_A", "fake_B", "rec_A")}
    B = {f"{i}_{x}.png" for i in range(300, 304) for x in ("real_B", "fake_A", "rec_B")}
    assert files(folder) == A | B
    for i in range(300, 304):
        shown, original = folder / f"images/{i}_real_B.png", unpaired / f"testB/{i}.png"
        assert np.array_equal(pixels(shown), pixels(original))


def test_one_side_of_a_cycle_gan_gives_what_the_whole_gives(runs, unpaired, tmp_path) -> None:
    whole = run(runs, tmp_path / "whole", unpaired, "c", "cycle_gan")
    side = run(runs, tmp_path / "side", unpaired / "testA", "c", "test", "--model_suffix _A")
    assert files(side) == {f"{i}_{label}.png" for i in (200, 201) for label in ("real", "fake")}
    assert np.array_equal(
        pixels(side / "images/200_fake.png"), pixels(whole / "images/200_fake_B.png")
    )


def test_sub_folders_are_mirrored_and_equal_names_do_not_collide(runs, tmp_path) -> None:
    root = tmp_path / "data"
    write_images(root / "one", 1)
    write_images(root / "two", 1, start=1)
    shutil.copy(root / "two/001.png", root / "two/000.png")
    Image.open(root / "one/000.png").save(root / "one/000.JPG")
    folder = run(runs, tmp_path / "out", root, "c", "test", "--model_suffix _A")
    assert {name for name in files(folder) if "fake" in name} == {
        "one/000_fake.png", "one/000_png_fake.png", "two/000_fake.png", "two/001_fake.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("D/test/a.png", "a"),
        ("D/testA/deep/a.b.png", "deep/a.b"),
        ("D/a.png", "a"),
        ("D/test.png", "test"),
        ("D/other/a.png", "other/a"),
        ("elsewhere/a.png", "a"),
    ],
)
def test_results_are_named_after_their_place_below_the_root(path, name) -> None:
    assert result_name(path, "D", "test") == name


def test_batches_do_not_change_results(runs, paired, tmp_path) -> None:
    """Batch norm uses each image's own statistics, as the original code does by testing one by one."""
    flags = ("--no_dropout",)
    shutil.copytree(runs / "p", runs / "plain", dirs_exist_ok=True)
    line = words("--dataroot", paired, "--name plain --checkpoints_dir", runs, "--model pix2pix")
    assert train.main(words(*line, *SMALL_TRAINING, "--netG resnet_6blocks", *flags)) == 0
    one = run(runs, tmp_path / "1", paired, "plain", "pix2pix")
    three = run(runs, tmp_path / "3", paired, "plain", "pix2pix", "--batch_size 3")
    for name in files(one):
        difference = pixels(one / "images" / name).astype(int) - pixels(three / "images" / name)
        assert np.abs(difference).max() <= 1


def test_dropout_at_test_time_is_repeatable(runs, paired, tmp_path) -> None:
    first = run(runs, tmp_path / "1", paired, "p", "pix2pix")
    again = run(runs, tmp_path / "2", paired, "p", "pix2pix", "--batch_size 2")
    other = run(runs, tmp_path / "3", paired, "p", "pix2pix", "--seed 1")
    calm = run(runs, tmp_path / "4", paired, "p", "pix2pix", "--eval")
    name = "images/000_fake_B.png"
    assert np.array_equal(pixels(first / name), pixels(again / name))
    assert not np.array_equal(pixels(first / name), pixels(other / name))
    assert not np.array_equal(pixels(first / name), pixels(calm / name))


def test_a_bare_weights_file_tells_its_architecture(runs, unpaired, tmp_path, capsys) -> None:
    bare = tmp_path / "checkpoints/horse2zebra_pretrained"
    bare.mkdir(parents=True)
    shutil.copy(runs / "c/latest_net_G_A.pth", bare / "latest_net_G.pth")
    flags = words("--load_size 32 --crop_size 32")
    folder = run(bare.parent, tmp_path / "bare", unpaired / "testA", bare.name, "test", *flags)
    whole = run(runs, tmp_path / "whole", unpaired, "c", "cycle_gan")
    assert np.array_equal(
        pixels(folder / "images/200_fake.png"), pixels(whole / "images/200_fake_B.png")
    )


def test_a_flag_that_contradicts_the_checkpoint_is_warned_of_and_explained(
    runs, paired, tmp_path, caplog
) -> None:
    with pytest.raises(InputError, match="it was made with .*--ngf 4"):
        run(runs, tmp_path, paired, "p", "pix2pix", "--ngf 8")
    assert "--ngf 8 is used as asked, but this checkpoint was made with 4" in caplog.text


def test_sizes_come_back_as_they_went_in(runs, tmp_path) -> None:
    write_images(tmp_path / "data", 1, 45, 70)
    flags = words("--model_suffix _A --preprocess none")
    folder = run(runs, tmp_path / "out", tmp_path / "data", "c", "test", *flags)
    assert pixels(folder / "images/000_real.png").shape == (45, 70, 3)
    assert pixels(folder / "images/000_fake.png").shape == (45, 70, 3)


def test_num_test_limits_and_results_dir_and_labels_are_kept(runs, paired, tmp_path) -> None:
    flags = words("--num_test 2 --phase val --epoch 1 --batch_size 2")
    folder = run(runs, tmp_path / "x", paired, "p", "pix2pix", *flags)
    assert folder == tmp_path / "x/p/val_1"
    assert len(files(folder)) == 6


def test_the_page_shows_every_image_and_quotes_its_address(runs, tmp_path) -> None:
    root = tmp_path / "data"
    write_images(root, 1)
    odd = "a #1 50% <b>&\"'?.png"
    (root / "000.png").rename(root / odd)
    folder = run(runs, tmp_path / "out", root, "c", "test", "--model_suffix _A")
    page = (folder / "index.html").read_text()
    assert "a%20%231%2050%25%20%3Cb%3E%26%22%27%3F_fake.png" in page
    assert "<b>" not in page
    assert "c · test set · latest weights" in page
    assert page.count("<img") == 2


def test_tiles_give_the_results_of_whole_images(runs, unpaired, tmp_path) -> None:
    write_images(tmp_path / "data", 2, 150, 190)
    flags = words("--model_suffix _A --preprocess none")
    whole = run(runs, tmp_path / "whole", tmp_path / "data", "c", "test", *flags)
    tiles = run(runs, tmp_path / "tiles", tmp_path / "data", "c", "test", *flags, "--tile 32")
    blend = words(*flags, "--tile 64 --tile_mode blend")
    blended = run(runs, tmp_path / "blended", tmp_path / "data", "c", "test", *blend)
    name = "images/001_fake.png"
    expected = pixels(whole / name).astype(int)
    assert np.abs(pixels(tiles / name) - expected).max() <= 1
    assert np.abs(pixels(blended / name) - expected).max() > 1


def test_tiles_have_no_dropout_and_say_so(runs, paired, tmp_path, caplog) -> None:
    first = run(runs, tmp_path / "1", paired, "p", "pix2pix", "--tile 16")
    assert "--tile switches dropout off" in caplog.text
    caplog.clear()
    other = run(runs, tmp_path / "2", paired, "p", "pix2pix", "--tile 16 --seed 1")
    run(runs, tmp_path / "3", paired, "p", "pix2pix", "--tile 16 --eval")
    assert caplog.text.count("--tile switches dropout off") == 1
    name = "images/000_fake_B.png"
    assert np.array_equal(pixels(first / name), pixels(other / name))


def test_a_mistyped_name_leaves_no_folder(runs, paired, tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder .*nobody; check --name"):
        run(runs, tmp_path, paired, "nobody", "pix2pix")
    assert not (runs / "nobody").exists()
    assert not (tmp_path / "nobody").exists()


def test_a_bad_image_is_named_or_skipped(runs, tmp_path, capsys) -> None:
    write_images(tmp_path / "data", 3)
    (tmp_path / "data/001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    flags = words("--model_suffix _A")
    with pytest.raises(InputError, match=r"001\.png: cannot be read"):
        run(runs, tmp_path / "a", tmp_path / "data", "c", "test", *flags)
    folder = run(runs, tmp_path / "b", tmp_path / "data", "c", "test", *flags, "--bad_images skip")
    assert len(files(folder)) == 4
    assert "skipped " in capsys.readouterr().out


def test_grey_levels_are_rounded_and_clipped() -> None:
    levels = torch.arange(256) / 127.5 - 1
    assert np.array_equal(to_uint8(levels.reshape(1, 16, 16)).ravel(), np.arange(256))
    beyond = torch.tensor([-1.5, 1.5, 0.999]).reshape(1, 1, 3)
    assert to_uint8(beyond).tolist() == [[0, 255, 255]]


@pytest.mark.parametrize(("ratio", "size"), [(1.0, (20, 10)), (2.0, (20, 20)), (0.5, (40, 10))])
def test_aspect_ratio_stretches_height_or_width(tmp_path, ratio, size) -> None:
    save_image(tmp_path / "a.png", np.zeros((10, 20, 3), np.uint8), ratio)
    assert pixels(tmp_path / "a.png").shape == (*size[::-1], 3)
