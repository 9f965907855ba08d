"""Edge drawings: closed forms of the post-processing, and scripts/edges as commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_images
from helpers.runs import ROOT
from PIL import Image
from scipy.io import savemat

from scripts.edges import batch_edges, batch_hed
from scripts.edges.lines import canny_edges, clean, drawn_edges, orientation, ridges
from util.errors import InputError

pytestmark = pytest.mark.usefixtures("warm")


def square(side: int = 32) -> np.ndarray:
    """A bright square on black, (side, side) in [0, 1]."""
    image = np.zeros((side, side))
    image[8:24, 8:24] = 1
    return image


def test_the_edges_of_a_square_are_its_outline() -> None:
    edges = canny_edges(square(), sigma=1, low=0.05, high=0.15)
    y, x = np.nonzero(edges)
    assert 60 <= edges.sum() <= 76  # about its circumference of 64
    assert (np.abs(np.maximum(np.abs(y - 15.5), np.abs(x - 15.5)) - 8) <= 1).all()
    assert not canny_edges(np.full((32, 32), 0.5), 1, 0.05, 0.15).any()


def test_pieces_of_fewer_pixels_are_removed_and_diagonals_hang_together() -> None:
    edges = np.zeros((12, 12), bool)
    edges[1, 1:5] = True  # 4 pixels
    edges[range(4, 9), range(4, 9)] = True  # 5, touching by corners
    kept = clean(edges, 5)
    assert kept.sum() == 5
    assert kept[4, 4]
    assert clean(edges, 1).sum() == 9
    assert not clean(np.zeros((4, 4), bool), 5).any()


def test_thick_lines_become_one_pixel_wide() -> None:
    edges = np.zeros((20, 30), bool)
    edges[8:11, 3:27] = True
    kept = clean(edges, 5)
    assert kept.sum(0).max() == 1
    assert kept[9].sum() >= 20


def test_of_a_soft_line_only_its_ridge_is_left_whichever_way_it_runs() -> None:
    across = np.exp(-np.square(np.arange(41) - 20) / 8)
    for soft in (np.tile(across, (41, 1)), np.tile(across[:, None], (1, 41))):
        ridge = ridges(soft)
        y, x = np.nonzero(ridge[10:31, 10:31])
        assert (y == 10).all() or (x == 10).all()
        assert len(y) == 21
        assert drawn_edges(soft, 25 / 255, 5).any()


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 110, 160])
def test_the_orientation_is_the_angle_across_the_edge(degrees) -> None:
    angle = np.deg2rad(degrees)
    y, x = np.mgrid[-20:21, -20:21]
    soft = np.exp(-np.square(x * np.cos(angle) + y * np.sin(angle)) / 18)
    found = orientation(soft)[20, 20]
    assert abs(np.sin(found - angle)) < 0.03  # an axis: half a turn more is the same


def test_soft_edges_below_the_threshold_are_none() -> None:
    across = np.exp(-np.square(np.arange(41) - 20) / 8)
    soft = np.tile(across, (41, 1)) * 20 / 255
    assert not drawn_edges(soft, 25 / 255, 5).any()
    assert drawn_edges(soft, 15 / 255, 5).any()
    assert not drawn_edges(np.zeros((9, 9)), 0, 5).any()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos, one of them a square, in a sub-folder."""
    write_images(tmp_path / "photos", 1, 24, 40)
    (tmp_path / "photos/sub").mkdir()
    grey = Image.fromarray((square() * 255).astype(np.uint8))
    grey.save(tmp_path / "photos/sub/square.png")
    return tmp_path / "photos"


def draw(root: Path, *flags: str) -> int:
    return batch_edges.main([f"--edge_dir={root / 'edges'}", *flags])


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_drawings_are_black_on_white_and_pairs_are_edges_left_photo_right(photos) -> None:
    root = photos.parent
    draw(root, f"--images_dir={photos}", f"--pairs_dir={root}/data/train", "--sigma", "1")
    drawing = opened(root / "edges/sub/square.png")
    assert drawing.shape == (32, 32)
    assert set(np.unique(drawing)) == {0, 255}
    assert drawing.mean() > 200
    pair = opened(root / "data/train/000.png")
    assert pair.shape == (24, 80, 3)
    assert (pair[:, 40:] == opened(photos / "000.png")).all()
    assert (pair[:, :40, 0] == opened(root / "edges/000.png")).all()


def test_both_may_be_resized_to_a_square(photos) -> None:
    root = photos.parent
    draw(root, f"--images_dir={photos}", f"--pairs_dir={root}/pairs", "--image_width", "16")
    assert opened(root / "edges/000.png").shape == (16, 16)
    assert opened(root / "pairs/000.png").shape == (16, 32, 3)


def test_soft_edges_of_other_detectors_are_drawn_from_mat_files_and_images(tmp_path) -> None:
    soft = np.tile(np.exp(-np.square(np.arange(41) - 20) / 8), (41, 1)).astype(np.float32)
    for folder in ("mats", "images"):
        (tmp_path / folder).mkdir()
    savemat(tmp_path / "mats/a.mat", {"edge_predict": soft})
    savemat(tmp_path / "mats/b.mat", {"predict": soft})
    Image.fromarray((soft * 255).round().astype(np.uint8)).save(tmp_path / "images/c.png")
    draw(tmp_path / "1", f"--soft_dir={tmp_path}/mats")
    draw(tmp_path / "2", f"--soft_dir={tmp_path}/images")
    names = ("1/edges/a.png", "1/edges/b.png", "2/edges/c.png")
    a, b, c = (opened(tmp_path / name) for name in names)
    assert (a == b).all()
    assert (a == c).all()
    assert (np.nonzero(a == 0)[1] == 20).all()
    assert (a == 0).sum() > 30


def test_bad_input_is_one_message(photos) -> None:
    root = photos.parent
    with pytest.raises(InputError, match="--images_dir: there is no folder"):
        draw(root, f"--images_dir={root}/nowhere")
    with pytest.raises(InputError, match="--pairs_dir needs a photo of 000"):
        draw(root, f"--soft_dir={photos}", f"--pairs_dir={root}/pairs")
    with pytest.raises(InputError, match="holds other images"):
        draw(root, f"--images_dir={photos}", f"--edge_dir={photos}/sub")
    (root / "mats").mkdir()
    for number, table in enumerate(({"x": 1}, {"predict": [[7.0]]}, {"predict": [[np.nan]]})):
        savemat(root / "mats/a.mat", table)
        with pytest.raises(InputError, match=r"a\.mat: cannot be read as soft edges"):
            draw(root / str(number), f"--soft_dir={root}/mats")
    (root / "mats/a.mat").write_bytes(b"MATLAB 5.0 no")
    with pytest.raises(InputError, match=r"a\.mat: cannot be read as soft edges"):
        draw(root, f"--soft_dir={root}/mats")
    (photos / "001.png").write_bytes(b"\x89PNG no")
    with pytest.raises(InputError, match=r"001\.png: cannot be read"):
        draw(root, f"--images_dir={photos}")


@pytest.mark.parametrize(
    "flags", ["", "--images_dir x --low 0.5 --high 0.1", "--images_dir x --sigma -1"]
)
def test_flags_that_make_no_sense_end_with_status_2(flags, tmp_path) -> None:
    with pytest.raises(SystemExit, match="2"):
        draw(tmp_path, *flags.split())


def test_the_older_entry_point_draws_edges_and_says_that_they_are_cannys(photos, capsys) -> None:
    words = f"--images_dir={photos} --hed_mat_dir={photos.parent}/hed --border 128 --gpu_id 1"
    assert batch_hed.main(words.split()) == 0
    assert "HED needed Caffe" in capsys.readouterr().out
    assert (photos.parent / "hed/sub/square.png").exists()


def test_the_scripts_run_as_commands(photos) -> None:
    for script, flag in (("batch_edges.py", "--edge_dir"), ("batch_hed.py", "--hed_mat_dir")):
        command = [sys.executable, str(ROOT / "scripts/edges" / script), "--images_dir", "photos"]
        done = subprocess.run(
            [*command, flag, f"out_{script}"],
            cwd=photos.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"out_{script}: 2 images" in done.stdout
