"""scripts/make_shards.py, and whole runs on what it makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from conftest import SMALL, SMALL_TRAINING, write_images
from helpers.runs import ROOT, assert_same, content, run

import test as test_script
from data.files import pack_tars
from data.files.image_folder import list_images
from scripts import make_shards
from scripts.check_dataset import main as check_dataset
from util.errors import InputError
from util.images.tars import image_bytes, read_index, scan

pytestmark = pytest.mark.usefixtures("warm")


def make(root: Path, out: Path, *flags: str) -> int:
    return make_shards.main(["--dataroot", str(root), "--out", str(out), *flags])


def below(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """train with sub-folders and names that sort oddly, testA, and things that are no images."""
    for folder in ("train/a", "train/a-b", "train", "testA"):
        write_images(tmp_path / "data" / folder, 3)
    os.rename(
        tmp_path / "data/train/000.png",
        tmp_path / os.fsdecode("data/train/ä\xff".encode("latin-1") + b".png"),
    )
    (tmp_path / "data/train/000.json").write_text("{}")
    (tmp_path / "data/licence.txt").write_text("free")
    return tmp_path / "data"


def test_files_are_packed_as_they_are_in_the_order_of_the_folders(
    folders, tmp_path, capsys
) -> None:
    before = below(folders)
    assert make(folders, tmp_path / "out", "--images", "2") == 0
    assert below(folders) == before
    assert sorted(path.name for path in (tmp_path / "out/train").iterdir()) == [
        f"{number:06d}.tar{suffix}" for number in range(5) for suffix in ("", ".index")
    ]
    for phase in ("train", "testA"):
        files, inside = list_images(folders / phase), list_images(tmp_path / "out" / phase)
        for file, path in zip(files, inside, strict=True):
            assert image_bytes(path) == Path(file).read_bytes()
            assert path.endswith(str(Path(file).relative_to(folders / phase)))
    said = capsys.readouterr().out
    assert f"{tmp_path / 'out/train'}: 9 images, 0.0 MB, in 5 tars" in said
    assert f"use it as --dataroot {tmp_path / 'out'}" in said


def test_the_same_files_make_the_same_tars_with_index_files_that_fit(folders, tmp_path) -> None:
    make(folders, tmp_path / "one", "--size", "0.01")
    make(folders, tmp_path / "two", "--size", "0.01")
    assert below(tmp_path / "one") == below(tmp_path / "two")
    for tar in (tmp_path / "one").rglob("*.tar"):
        assert tar.stat().st_size < 10_000 + tarfile.RECORDSIZE
        read, found = read_index(str(tar)), scan(str(tar))
        assert (read.names, read.offsets.tolist()) == (found.names, found.offsets.tolist())


def test_a_folder_of_images_becomes_tars_alone(folders, tmp_path) -> None:
    make(folders / "train", tmp_path / "out")
    assert sorted(below(tmp_path / "out")) == ["000000.tar", "000000.tar.index"]
    assert len(list_images(tmp_path / "out")) == 9


def test_folders_with_the_same_names_are_cut_alike_by_numbers_of_images(tmp_path) -> None:
    for side in "AB":
        write_images(tmp_path / f"data/train{side}", 5, 32, 32 if side == "A" else 64)
    make(tmp_path / "data", tmp_path / "out", "--images", "2")
    A, B = (list_images(tmp_path / f"out/train{side}") for side in "AB")
    assert [path.replace("trainA", "trainB") for path in A] == B


def test_an_interrupted_run_goes_on_and_ends_with_the_same_tars(
    folders, tmp_path, monkeypatch, capsys
) -> None:
    make(folders, tmp_path / "whole", "--images", "2")
    pack, packed = pack_tars.pack, []

    def interrupted(shard, tar) -> None:
        if len(packed) == 3:
            tar.with_name(f".{tar.name}.{2**22 + 1}.tmp").write_bytes(b"half")
            raise KeyboardInterrupt
        packed.append(tar)
        pack(shard, tar)

    monkeypatch.setattr(pack_tars, "pack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(folders, tmp_path / "out", "--images", "2")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    with pytest.raises(InputError, match="left by an interrupted run with other flags or files"):
        make(folders, tmp_path / "out", "--images", "3")
    assert make(folders, tmp_path / "out", "--images", "2") == 0
    assert "3 of 7 tars are there already" in capsys.readouterr().out
    assert below(tmp_path / "out") == below(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten_and_wrong_input_is_explained(folders, tmp_path, capsys) -> None:
    make(folders, tmp_path / "out")
    before = below(tmp_path / "out")
    for words, says in (
        ([folders, tmp_path / "out"], "is there already"),
        ([folders, folders / "shards"], "lies in --dataroot"),
        ([tmp_path / "out", tmp_path / "again"], "holds tars already"),
        ([tmp_path / "nowhere", tmp_path / "again"], "there is no folder"),
        ([folders / "licence.txt", tmp_path / "again"], "there is no folder"),
    ):
        with pytest.raises(InputError, match=says):
            make(*words)
    (folders / "train/gone.png").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"gone\.png is missing or not a plain file"):
        make(folders, tmp_path / "again")
    for flags in (["--size", "0"], ["--size", "nan"], ["--images", "0"], ["--size", "x"]):
        with pytest.raises(SystemExit, match="2"):
            make(folders, tmp_path / "again", *flags)
    with pytest.raises(SystemExit, match="2"):
        make_shards.main(["--dataroot", str(folders)])
    assert "--out is missing" in capsys.readouterr().err
    assert below(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_index_files_are_made_for_tars_of_other_origin(folders, tmp_path) -> None:
    make(folders, tmp_path / "out")
    before = below(tmp_path / "out")
    for index in (tmp_path / "out").rglob("*.index"):
        index.write_text("damaged")
    assert make_shards.main(["--dataroot", str(tmp_path / "out"), "--index_only"]) == 0
    assert below(tmp_path / "out") == before
    with pytest.raises(InputError, match="holds no tars"):
        make_shards.main(["--dataroot", str(folders), "--index_only"])


def test_a_training_on_tars_can_be_continued_and_tested_and_checked(
    unpaired, tmp_path, capsys
) -> None:
    out = tmp_path / "shards"
    make(unpaired, out, "--images", "2")
    flags = ["--n_epochs", "2", "--print_freq", "1"]
    whole = run(out, tmp_path, "whole", *flags, model="cycle_gan")
    run(out, tmp_path, "part", "--print_freq", "1", model="cycle_gan")
    part = run(out, tmp_path, "part", *flags, "--continue_train", model="cycle_gan")
    assert_same(content(whole), content(part))
    words = [
        "--dataroot",
        str(out),
        "--checkpoints_dir",
        str(tmp_path),
        "--name",
        "whole",
        "--model",
        "cycle_gan",
    ]
    results = ["--results_dir", str(tmp_path / "results")]
    assert test_script.main([*words, *SMALL[:2], *results]) == 0
    names = {file.name for file in (tmp_path / "results/whole/test_latest/images").iterdir()}
    assert {"200_real_A.png", "201_fake_B.png", "303_fake_A.png"} <= names
    assert check_dataset([*words, *SMALL]) == 0
    assert "train: 5 in" in capsys.readouterr().out


def test_a_training_on_tars_stopped_in_an_epoch_goes_on_bit_for_bit(tmp_path) -> None:
    write_images(tmp_path / "data/train", 40, 32, 64)
    shards = tmp_path / "shards"
    make(tmp_path / "data", shards, "--images", "6")
    flags = ["--n_epochs", "2", "--print_freq", "1", "--num_threads", "1"]
    whole = run(shards, tmp_path, "whole", *flags)
    words = [
        sys.executable, str(ROOT / "train.py"), "--dataroot", str(shards), "--checkpoints_dir", str(tmp_path),
        "--model", "pix2pix", "--netG", "resnet_6blocks", *SMALL_TRAINING, *flags, "--name", "part",
    ]  # fmt: skip
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("(epoch: 1, iters: 7,"):
                process.send_signal(signal.SIGTERM)
                break
        process.stdout.read()
    assert 6 < content(tmp_path / "part")["progress"]["position"] < 40
    assert_same(content(whole), content(run(shards, tmp_path, "part", *flags, "--continue_train")))
