"""scripts/eval_cityscapes/evaluate.py on a Cityscapes of a few frames, made on the spot."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.cityscapes import FRAMES, labels_of, means, score, write_results
from helpers.runs import ROOT
from PIL import Image

from scripts.eval_cityscapes import evaluate
from scripts.eval_cityscapes.labellers import build_network, by_colours, by_network
from util.errors import InputError
from util.images.label_maps import CITYSCAPES, draw_labels

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize(
    "pattern",
    [
        "{frame}_leftImg8bit.png",
        "{frame}_leftImg8bit_fake_B.png",
        "{frame}_fake_B.png",
        "{frame}.png",
        "{i}_fake_B.png",
        "{i}_A_fake_B.png",
        "{i}.png",
    ],
)
def test_a_perfect_result_scores_one_by_any_name_that_test_py_or_the_older_code_gives_it(
    pattern, cityscapes, tmp_path
) -> None:
    names = [pattern.format(frame=frame, i=i) for i, frame in enumerate(FRAMES)]
    table = score(cityscapes, write_results(tmp_path / "results", names))
    assert means(table) == (1, 1, 1)
    assert table["images"] == 3
    assert sum(entry["pixels"] for entry in table["classes"].values()) == 3 * 15 * 32


def test_a_result_shifted_by_half_a_stripe_is_half_right(cityscapes, tmp_path) -> None:
    names = [f"{i}_fake_B.png" for i in range(3)]
    table = score(cityscapes, write_results(tmp_path / "results", names, shift=1))
    assert table["mean_pixel_accuracy"] == 0.5
    assert table["mean_class_accuracy"] == pytest.approx(1 / 2)
    assert table["mean_class_iou"] == pytest.approx(1 / 3)  # of 2 true and 2 predicted, 1 is both


def test_smaller_results_are_enlarged_without_new_labels(cityscapes, tmp_path) -> None:
    names = [f"{i}_fake_B.png" for i in range(3)]
    assert means(score(cityscapes, write_results(tmp_path / "r", names, every=2))) == (1, 1, 1)


def test_only_the_asked_for_images_of_a_results_folder_count(cityscapes, tmp_path) -> None:
    images = tmp_path / "test_latest/images"
    write_results(images, [f"{i}_fake_B.png" for i in range(3)])
    write_results(images, [f"{i}_real_B.png" for i in range(3)], shift=5)
    (tmp_path / "test_latest/index.html").write_text("a page")
    assert means(score(cityscapes, tmp_path / "test_latest")) == (1, 1, 1)
    wrong = score(cityscapes, images, "--label_maps", "--result_label", "real_B")
    assert wrong["mean_pixel_accuracy"] == 0


def test_train_ids_are_read_where_there_are_no_label_ids(cityscapes, tmp_path) -> None:
    for number, frame in enumerate(FRAMES):
        path = cityscapes / f"gtFine/val/{frame.split('_')[0]}/{frame}_gtFine_labelIds.png"
        path.unlink()
        Image.fromarray(labels_of(number)).save(str(path).replace("labelIds", "labelTrainIds"))
    results = write_results(tmp_path / "results", [f"{frame}.png" for frame in FRAMES])
    assert means(score(cityscapes, results)) == (1, 1, 1)


def test_the_files_are_those_of_2017_and_labels_are_saved_on_request(cityscapes, tmp_path) -> None:
    results = write_results(tmp_path / "results", [f"{frame}.png" for frame in FRAMES])
    score(cityscapes, results, "--label_maps", "--save_output_images", "1")
    lines = (tmp_path / "scores/evaluation_results.txt").read_text().splitlines()
    assert lines[:3] == [
        "Mean pixel accuracy: 1.000000",
        "Mean class accuracy: 1.000000",
        "Mean class IoU: 1.000000",
    ]
    assert lines[4] == "road           : acc = 1.000000, iou = 1.000000"
    assert len(lines) == 4 + 19
    pictures = {path.name for path in (tmp_path / "scores/image_outputs").iterdir()}
    assert pictures == {f"{i}_{kind}.png" for i in range(3) for kind in ("pred", "gt", "input")}
    truth = np.asarray(Image.open(tmp_path / "scores/image_outputs/0_gt.png"))
    assert (truth[-1] == 0).all()
    assert tuple(truth[0, 0]) == (128, 64, 128)


def test_photographs_are_labelled_by_the_users_network(cityscapes, tmp_path) -> None:
    torch.manual_seed(0)
    network = build_network("lraspp_mobilenet_v3_large", 19).eval()
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    results = write_results(tmp_path / "results", [f"{frame}.png" for frame in FRAMES], every=2)
    flags = ("--weights", str(tmp_path / "mine.pth"), "--gpu_id", "-1")
    table = score(cityscapes, results, *flags, "--architecture", "lraspp_mobilenet_v3_large")
    assert table["labelled_by"].startswith("lraspp_mobilenet_v3_large")
    assert sum(map(sum, table["confusion"])) == 3 * 15 * 32


def test_a_network_sees_the_photo_at_the_size_of_the_truth(tmp_path, monkeypatch) -> None:
    seen = []

    class Bright(torch.nn.Module):
        """Class 1 where the normalised photo is bright."""

        def forward(self, photo: torch.Tensor) -> dict[str, torch.Tensor]:
            seen.append(photo.shape)
            bright = photo.mean(1, keepdim=True)
            return {"out": torch.cat([-bright, bright], 1)}

    monkeypatch.setattr(
        "scripts.eval_cityscapes.labellers.load_network", lambda *arguments: Bright()
    )
    labeller = by_network(tmp_path / "any.pth", "fcn_resnet50", 2, torch.device("cpu"))
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, 2:] = 255
    assert labeller(image, (8, 16)).tolist() == [[0] * 8 + [1] * 8] * 8
    assert seen == [(1, 3, 8, 16)]


def test_other_label_maps_are_scored_by_a_palette_from_one_results_folder(tmp_path) -> None:
    (tmp_path / "two.csv").write_text("wall,0,0,170\ndoor,255,85,0\nvoid,0,0,0\n")
    wall, door, void = (0, 0, 170), (255, 85, 0), (0, 0, 0)
    for label, row in (("fake_B", [wall, wall, door, door]), ("real_B", [wall, door, door, void])):
        (tmp_path / "images/sub").mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.array([row], np.uint8))
        image.save(tmp_path / f"images/sub/1_{label}.png")
    words = f"--truth_dir {tmp_path}/images --result_dir {tmp_path}/images --output_dir {tmp_path}"
    words += f" --palette {tmp_path}/two.csv --label_maps"
    assert evaluate.main(words.split()) == 0
    table = json.loads((tmp_path / "evaluation_results.json").read_text())
    assert table["confusion"] == [[1, 0], [1, 1]]
    assert means(table) == (pytest.approx(2 / 3), 0.75, 0.5)


def test_grey_truths_hold_classes(tmp_path) -> None:
    for folder in ("truth", "results"):
        (tmp_path / folder).mkdir()
    Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(tmp_path / "truth/a.png")
    write = Image.fromarray(draw_labels(np.array([[0, 1, 1]]), CITYSCAPES))
    write.save(tmp_path / "results/a.png")
    words = f"--truth_dir {tmp_path}/truth --result_dir {tmp_path}/results --output_dir {tmp_path}"
    assert evaluate.main([*words.split(), "--label_maps"]) == 0
    Image.fromarray(np.array([[0, 77, 255]], np.uint8)).save(tmp_path / "truth/a.png")
    with pytest.raises(InputError, match=r"a\.png holds label 77: 19 classes"):
        evaluate.main([*words.split(), "--label_maps"])


def test_colours_are_enlarged_as_labels() -> None:
    image = draw_labels(np.array([[3, 7]], np.uint8), CITYSCAPES)
    assert by_colours(CITYSCAPES)(image, (2, 4)).tolist() == [[3, 3, 7, 7]] * 2


def test_the_scripts_run_as_commands(cityscapes, tmp_path) -> None:
    results = write_results(tmp_path / "results", [f"{frame}.png" for frame in FRAMES])
    script = str(ROOT / "scripts/eval_cityscapes/evaluate.py")
    words = f"--cityscapes_dir {cityscapes} --result_dir {results} --output_dir {tmp_path}/out"
    words += " --caffemodel_dir ./scripts/eval_cityscapes/caffemodel/"

    def run(*flags: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, *words.split(), *flags]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("--label_maps")
    assert done.returncode == 0, done.stderr
    assert "note: --caffemodel_dir is not used" in done.stdout
    assert "Mean class IoU: 1.000000" in done.stdout
    failed = run()
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: say what the results are")
    assert failed.stderr.count("\n") == 1


def test_the_script_for_the_caffe_model_says_what_replaces_it() -> None:
    script = str(ROOT / "scripts/eval_cityscapes/download_fcn8s.sh")
    done = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--weights FILE" in done.stderr
    assert "docs/cityscapes.md" in done.stderr
