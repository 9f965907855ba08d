"""Scores by a segmenter: colours are found, labels are learnt from real pairs, and a better translation scores higher."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scripts import evaluate, train_segmenter
from scripts.lib.evaluation.segmenter import (
    Segmenter,
    find_colours,
    flatness,
    label_scores,
    label_side,
    palette_of,
)
from util.errors import InputError

WALL, DOOR = (0, 0, 170), (255, 85, 0)
BRICK, WOOD = (150, 60, 50), (40, 160, 70)  # what they look like in photographs


def pair(seed: int, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and its label map: a door in a wall, with noise."""
    rng = np.random.default_rng(seed)
    y, x = rng.integers(0, size // 2, 2)
    door = np.zeros((size, size), bool)
    door[y : y + size // 2, x : x + size // 2] = True
    photograph = np.where(door[..., None], WOOD, BRICK) + rng.normal(0, 12, (size, size, 3))
    label_map = np.where(door[..., None], DOOR, WALL)
    return np.clip(photograph, 0, 255).astype(np.uint8), label_map.astype(np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path, str]:
    """A data set of walls with doors, a segmenter trained on it, and what that printed."""
    root = tmp_path_factory.mktemp("walls")
    for phase, seeds in (("train", range(8)), ("test", range(100, 103))):
        (root / phase).mkdir()
        for seed in seeds:
            Image.fromarray(np.concatenate(pair(seed), 1)).save(root / phase / f"{seed}.png")
    file = root / "segmenter.pth"
    words = f"--dataroot {root} --labels B --out {file} --steps 150 --batch_size 4 --crop_size 64 --width 8 --gpu_ids -1"
    assert train_segmenter.main(words.split()) == 0
    return root, file, ""


def write_results(folder: Path, make) -> None:
    """Results of --direction BtoA: label maps are real_A, photographs made of them fake_B."""
    (folder / "images").mkdir(parents=True)
    for seed in (100, 101, 102):
        photograph, label_map = pair(seed)
        pictures = {
            "real_A": label_map,
            "real_B": photograph,
            "fake_B": make(photograph, label_map),
        }
        for label, picture in pictures.items():
            Image.fromarray(picture).save(folder / "images" / f"{seed}_{label}.png")


def test_colours_of_label_maps_are_found_however_jpeg_blurs_their_edges(tmp_path) -> None:
    maps = []
    for seed in range(3):
        Image.fromarray(pair(seed)[1]).save(tmp_path / "map.jpg", quality=90)
        maps.append(np.asarray(Image.open(tmp_path / "map.jpg")))
    found = find_colours(maps)
    assert len(found) == 2
    assert np.abs(np.sort(found.astype(int), 0) - np.sort([WALL, DOOR], 0)).max() <= 3
    assert (
        flatness(maps[0], palette_of(found)) > 0.9 > 0.5 > flatness(pair(0)[0], palette_of(found))
    )


def test_photographs_are_no_label_maps() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no label maps: they have fewer than two flat colours"):
        find_colours([rng.integers(0, 255, (32, 32, 3), np.uint8)])


def test_a_trained_segmenter_finds_the_labels_of_photographs_it_has_not_seen(trained) -> None:
    segmenter = Segmenter.read(trained[1])
    photographs, maps = zip(*(pair(seed) for seed in (100, 101, 102)), strict=True)
    assert label_scores(segmenter, photographs, maps).class_iou > 0.9
    assert (
        label_scores(
            segmenter, [p[:50, :61] for p in photographs], [m[:50, :61] for m in maps]
        ).pixel_accuracy
        > 0.9
    )


def test_the_side_of_the_label_maps_is_seen_by_its_colours(trained) -> None:
    segmenter, (photograph, label_map) = Segmenter.read(trained[1]), pair(0)
    assert label_side(segmenter, {"A": photograph, "B": label_map}) == "B"
    with pytest.raises(InputError, match="have no label maps of the segmenter"):
        label_side(segmenter, {"A": photograph, "B": photograph})


def test_photographs_that_show_their_labels_score_higher_and_real_ones_are_the_ceiling(
    trained, tmp_path, capsys
) -> None:
    write_results(tmp_path / "good/test_latest", lambda photograph, label_map: photograph)
    write_results(
        tmp_path / "grey/test_latest", lambda photograph, label_map: np.full_like(photograph, BRICK)
    )
    folders = [str(tmp_path / name / "test_latest") for name in ("good", "grey")]
    words = [
        "--segmenter",
        str(trained[1]),
        "--metrics",
        "l1",
        "--out",
        str(tmp_path / "out"),
        "--gpu_ids",
        "-1",
    ]
    assert evaluate.main([*folders, *words]) == 0
    found = json.loads((tmp_path / "out/labels.json").read_text())
    rows = {row["name"]: row["class_iou"][0] for row in found}
    assert list(rows) == ["real photographs", "good", "grey"]
    assert rows["real photographs"] == rows["good"] > 0.9 > 0.6 > rows["grey"]
    assert f"{rows['grey']:.3f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [{"weights": {}}, {"colours": torch.zeros(2, 3), "weights": {"a": torch.zeros(1)}}, [1]],
)
def test_another_file_is_refused_as_a_segmenter(tmp_path, content) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(
        InputError, match=r"x\.pth is no segmenter: make one by scripts/train_segmenter\.py"
    ):
        Segmenter.read(tmp_path / "x.pth")
