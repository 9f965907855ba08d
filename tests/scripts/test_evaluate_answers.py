"""Which run scripts/evaluate.py recommends, and what it says to input that does not work."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts import evaluate
from scripts.lib.evaluation.measure import Scores
from scripts.lib.evaluation.verdict import ScoreRow, differ_clearly, verdict
from util.errors import InputError
from util.metrics import Result


def write(path: Path, level: int, size: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), level, np.uint8)).save(path)


def scores(*values: float, name: str = "l1") -> Scores:
    per_image = {str(place): value for place, value in enumerate(values)}
    result = Result(float(np.mean(values)), 0.0, len(values), len(values))
    return Scores({name: result}, {name: per_image})


def test_runs_that_chance_could_swap_are_not_told_apart() -> None:
    one, other = (
        ScoreRow("one", [scores(0.1, 0.3, 0.2)]),
        ScoreRow("other", [scores(0.3, 0.1, 0.21)]),
    )
    assert not differ_clearly(one, other, "l1")
    assert "one has the best l1 (0.2000), but is not significantly better than other" in verdict(
        [other, one], ["l1"]
    )


def test_a_difference_smaller_than_that_of_seeds_is_none() -> None:
    near = [ScoreRow("near", [scores(0.1, 0.1)]), ScoreRow("far", [scores(0.2, 0.2)])]
    assert differ_clearly(*near, "l1")
    spread = ScoreRow("far", [scores(0.05, 0.05), scores(0.35, 0.35)])
    assert not differ_clearly(near[0], spread, "l1")


def test_a_run_that_a_trivial_answer_beats_is_of_no_use_yet() -> None:
    rows = [
        ScoreRow("run", [scores(0.3)]),
        ScoreRow("input as output", [scores(0.2)], trivial=True),
    ]
    assert verdict(rows, ["l1"]).startswith("None yet: by l1 the trivial answer 'input as output'")


def test_the_answer_says_which_metric_disagrees() -> None:
    def both(l1: float, psnr: float) -> Scores:
        one, other = scores(l1, l1), scores(psnr, psnr, name="psnr")
        return Scores(one.results | other.results, one.per_image | other.per_image)

    rows = [ScoreRow("sharp", [both(0.1, 20)]), ScoreRow("blurred", [both(0.2, 25)])]
    text = verdict(rows, ["l1", "psnr"])
    assert text.startswith("Use sharp")
    assert "But by psnr, blurred is better (25.00 against 20.00)." in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no results are named"),
        (["absent"], "there is no folder absent: run test.py first"),
        (["empty"], "has no folder images"),
        (["hollow"], "holds no results of test.py"),
        (["several"], r"holds several results \(test_1, test_2\)"),
        (["results/mine", "--metrics", "l1,fids"], "there is no metric 'fids': choose from l1, psnr"),
        (["results/mine", "--metrics", "ssim"], "ssim needs images of at least 11 pixels"),
        (["results/mine", "--metrics", "auto", "--lpips_weights", "absent"], "there is no file absent of weights"),
        (["results/mine", "--gpu_ids", "x"], "--gpu_ids 'x' is not"),
        (["results/mine", "--truth", "empty"], "holds no images"),
        (["results/mine", "--truth", "others"], "no image in --truth others has the name of a result"),
        (["results/mine", "--truth", "larger"], "has 9x9 pixels, its truth .* 16x16"),
        (["results/mine", "--train", "absent"], "there is no folder absent"),
        (["results/mine", "--unpaired"], "none of l1 can be measured here: --unpaired leaves only sets"),
        (["results/unlike"], "none of l1 can be measured here: no fake_B has the name of a real_B"),
        (["results/untold"], "Give them by --truth DIR"),
        (["results/mine", "results/elsewhere"], "have no image in common"),
        (["results/damaged"], "0_fake_B.png: cannot be read as an image"),
        (["results/mine", "--group", "mine"], "is not NAME=FOLDER,FOLDER"),
        (["results/mine", "--group", "mine=results/mine"], "two rows would be called mine"),
        (["results/mine", "--out", "results/mine/test_latest/images/0_real_A.png"], "cannot make the folder"),
    ],
)  # fmt: skip
def test_input_that_does_not_work_is_told_in_one_message(
    words: list[str], message: str, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "hollow/images", "several/test_1/images", "several/test_2/images"):
        Path(folder).mkdir(parents=True)
    for run_name, name in (("mine", "0"), ("elsewhere", "9"), ("damaged", "0"), ("untold", "0")):
        for label in ("real_A", "fake_B", "real_B"):
            if (run_name, label) != ("untold", "real_B"):
                write(Path(f"results/{run_name}/test_latest/images/{name}_{label}.png"), 50, size=9)
    write(Path("results/unlike/test_latest/images/0_fake_B.png"), 50)
    write(Path("results/unlike/test_latest/images/1_real_B.png"), 50)
    Path("results/damaged/test_latest/images/0_fake_B.png").write_bytes(b"no picture")
    write(Path("others/x.png"), 50)
    write(Path("larger/0.png"), 50)
    chosen = [] if "--metrics" in words else ["--metrics", "l1"]
    chosen += [] if "--gpu_ids" in words else ["--gpu_ids", "-1"]
    with pytest.raises(InputError, match=message):
        evaluate.main([*words, *chosen])
