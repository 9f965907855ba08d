"""What scripts/eval_cityscapes/evaluate.py refuses, and how it says so."""

from __future__ import annotations

import pytest
import torch
from helpers.cityscapes import FRAMES, score, write_results
from PIL import Image

from scripts.eval_cityscapes import evaluate
from scripts.eval_cityscapes.labellers import build_network
from util.errors import InputError


def test_missing_results_are_named_and_may_be_allowed(cityscapes, tmp_path) -> None:
    results = write_results(tmp_path / "results", [f"{FRAMES[0]}.png"])
    with pytest.raises(InputError, match=f"2 of 3 .* such as {FRAMES[1]}.*--allow_missing"):
        score(cityscapes, results)
    assert score(cityscapes, results, "--label_maps", "--allow_missing")["images"] == 1


def test_weights_that_are_missing_or_of_another_network_are_refused(cityscapes, tmp_path) -> None:
    results = write_results(tmp_path / "results", [f"{frame}.png" for frame in FRAMES])
    kind = ("--architecture", "lraspp_mobilenet_v3_large", "--gpu_id", "-1")
    with pytest.raises(InputError, match="does not exist: .*state dict of torchvision's lraspp"):
        score(cityscapes, results, "--weights", str(tmp_path / "none.pth"), *kind)
    other = build_network("lraspp_mobilenet_v3_large", 21).state_dict()
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(InputError, match="--num_classes 19: size mismatch"):
        score(cityscapes, results, "--weights", str(tmp_path / "other.pth"), *kind)
    torch.save({"x": torch.zeros(1)}, tmp_path / "foreign.pth")
    with pytest.raises(InputError, match="are not those of --architecture"):
        score(cityscapes, results, "--weights", str(tmp_path / "foreign.pth"), *kind)
    (tmp_path / "damaged.pth").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(InputError, match=r"damaged\.pth"):
        score(cityscapes, results, "--weights", str(tmp_path / "damaged.pth"), *kind)
    with pytest.raises(InputError, match="--num_classes 21, but the palette has 19"):
        score(cityscapes, results, "--weights", str(tmp_path / "other.pth"), "--num_classes", "21")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "say what the results are"),
        ("--label_maps --weights x.pth", "say what the results are"),
        ("--label_maps --split train", "there is no folder .*gtFine/train"),
        ("--label_maps --result_dir nowhere", "there is no folder nowhere: check --result_dir"),
        ("--label_maps --result_label fake", r"holds no \*_fake\.png, but fake_B"),
        ("--label_maps --palette none.json", "cannot read --palette"),
    ],
)
def test_what_is_missing_is_one_message_and_nothing_is_written(
    flags, message, cityscapes, tmp_path
) -> None:
    results = write_results(tmp_path / "results", [f"{frame}_fake_B.png" for frame in FRAMES])
    words = ["--cityscapes_dir", cityscapes, "--result_dir", results, "--output_dir"]
    with pytest.raises(InputError, match=message):
        evaluate.main([*map(str, words), str(tmp_path / "scores"), *flags.split()])
    assert not (tmp_path / "scores").exists()


def test_two_results_of_one_frame_are_refused_instead_of_choosing(cityscapes, tmp_path) -> None:
    names = [f"{frame}_{kind}.png" for frame in FRAMES for kind in ("photo", "labels")]
    results = write_results(tmp_path / "results", names)
    with pytest.raises(InputError, match=f"are both of frame {FRAMES[0]}"):
        score(cityscapes, results)
    results = write_results(tmp_path / "numbers", ["0_A.png", "0_B.png"])
    with pytest.raises(InputError, match=r"0_A\.png and .*0_B\.png have one number"):
        score(cityscapes, results)
    results = write_results(tmp_path / "others", ["x.png"])
    with pytest.raises(InputError, match=f"no result has the name .* such as {FRAMES[0]}"):
        score(cityscapes, results)


def test_damaged_files_and_numbers_beyond_the_split_are_named(cityscapes, tmp_path) -> None:
    results = write_results(tmp_path / "results", [f"{i}_fake_B.png" for i in (0, 1, 3)])
    with pytest.raises(InputError, match="is number 3, but the split has 3 frames"):
        score(cityscapes, results)
    (results / "3_fake_B.png").rename(results / "2_fake_B.png")
    (results / "1_fake_B.png").write_bytes(b"\x89PNG no")
    with pytest.raises(InputError, match=r"1_fake_B\.png: cannot be read"):
        score(cityscapes, results)
    truth = cityscapes / f"gtFine/val/aachen/{FRAMES[0]}_gtFine_labelIds.png"
    truth.write_bytes(b"")
    with pytest.raises(InputError, match=r"labelIds\.png: cannot be read"):
        score(cityscapes, results)
    Image.new("RGB", (4, 4)).save(truth)
    with pytest.raises(InputError, match="should hold label ids in grey"):
        score(cityscapes, results)
