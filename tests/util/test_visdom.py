"""The visdom sink with a real server."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.runs import run
from helpers.visdom import (
    IMAGES,
    at,
    curve,
    needs_visdom,
    post,
    sink,
    wait_until,
    windows,
)

from util.images.montage import grid
from util.logs.records import Record
from util.logs.visdom.windows import rates, thinned

pytestmark = pytest.mark.timeout(120)


@needs_visdom
def test_curves_and_images_arrive_past_a_proxy_variable(port, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    lines = []
    with sink(port, "arrive", lines) as visdom:
        for epoch in range(3):
            visdom.losses(at(epoch), {"G": epoch / 2, "D": float("inf")})
        visdom.images(at(2), IMAGES)
    assert curve(port, "arrive")["G"] == [(0, 0), (1, 0.5), (2, 1)]
    assert [y for _, y in curve(port, "arrive")["D"]] == [None] * 3
    assert windows(port, "arrive")["2"]["content"]["src"].startswith("data:image/jpeg")
    assert "real_A" in windows(port, "arrive")["3"]["content"]
    assert lines == []


@needs_visdom
def test_labels_are_escaped(port):
    with sink(port, "labels") as visdom:
        visdom.images(at(0), IMAGES)
    table = windows(port, "labels")["3"]["content"]
    assert "&lt;script&gt;" in table
    assert "<script>" not in table


@needs_visdom
def test_without_columns_every_image_has_a_window(port):
    with sink(port, "apart", display_id=7, ncols=0) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.images(at(0), IMAGES)
    titles = {window: it["title"] for window, it in windows(port, "apart").items()}
    numbered = {window: title for window, title in titles.items() if window.isdecimal()}
    assert numbered == dict(zip(["7", "8", "9", "10"], ["apart: losses", *IMAGES], strict=True))


@needs_visdom
def test_every_kind_has_a_window_that_is_called_after_the_first(port):
    with sink(port, "kinds", display_id=5) as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.health(at(0), {"score_D_real": 0.75, "grad_G": 10.0})
        visdom.scores(at(1), {"val_l1": 0.5, "val_psnr": 20.0})
        visdom.losses(at(1), {"G": 1.0})
        visdom.examples(at(1), [IMAGES, IMAGES])
        visdom.hint(at(1), "D has <won>")
    kinds = {"5", "5_lr", "5_scores", "5_health", "5_gradients", "5_examples", "5_run"}
    assert set(windows(port, "kinds")) == kinds
    assert "D has &lt;won&gt;" in windows(port, "kinds")["5_run"]["content"]
    assert curve(port, "kinds", "5_health") == {"D_real": [(0, 0.75)]}
    assert curve(port, "kinds", "5_gradients") == {"G": [(0, 10)]}
    assert curve(port, "kinds", "5_scores") == {"val_l1": [(1, 0.5)], "val_psnr": [(1, 20)]}
    assert curve(port, "kinds", "5_lr") == {"learning rate": [(0, 0.5), (1, 0.5)]}


@needs_visdom
def test_runs_that_share_an_environment_do_not_touch_each_other(port):
    for name, display_id in (("one", 1), ("other", 11)):
        with sink(port, "shared", name=name, display_id=display_id) as visdom:
            visdom.losses(at(0), {"G": float(display_id)})
            visdom.scores(at(0), {"val_l1": float(display_id)})
            visdom.images(at(0), IMAGES)
    found = windows(port, "shared")
    assert len(found) == 2 * 6
    assert found["2"]["title"] == "one: images"
    assert found["12"]["title"] == "other: images"
    assert curve(port, "shared", "1_scores") == {"val_l1": [(0, 1)]}


@needs_visdom
def test_scores_of_an_earlier_run_are_not_left_beside_the_losses_of_another(port):
    with sink(port, "again") as visdom:
        visdom.losses(at(0), {"G": 1.0})
        visdom.scores(at(0), {"val_l1": 1.0})
    assert curve(port, "again", "1_scores")
    with sink(port, "again") as visdom:
        visdom.losses(at(0), {"G": 2.0})
    assert curve(port, "again", "1_scores") == {"": [(0, None)]}


@needs_visdom
def test_a_training_that_is_continued_goes_on_in_its_curves(port, paired, tmp_path):
    flags = ["--display_id", "1", "--display_port", str(port), "--display_env", "training"]
    flags += ["--print_freq", "2", "--val_freq", "1", "--log_health", "--save_epoch_freq", "1"]
    run(paired, tmp_path, "n", *flags)
    post(port, "close", {"win": None, "eid": "training"})  # as an empty server
    run(paired, tmp_path, "n", *flags, "--n_epochs", "2", "--continue_train")
    thirds = [pytest.approx(third / 3) for third in range(1, 7)]
    assert [x for x, _ in curve(port, "training")["G_L1"]] == thirds
    assert [x for x, _ in curve(port, "training", "1_health")["D_real"]] == thirds
    assert [x for x, _ in curve(port, "training", "1_scores")["val_l1"]] == [1, 2]
    text = windows(port, "training")["1_run"]["content"]
    assert "2 of 2" in text
    assert "done" in text
    assert text.index("print_freq") < text.index("beta1")  # which is at its default


@needs_visdom
def test_the_window_of_text_says_where_the_run_stands_and_how_it_ended(port):
    with sink(port, "text") as visdom:
        options = {"lr": 0.1, "max_dataset_size": None, "dataroot": "<script>x</script>"}
        visdom.restore(Record("text", options, ["lr"], last_epoch=4, epoch_images=100))
        visdom.losses(at(1), {"G": 1.0})
        wait_until(lambda: "running" in windows(port, "text").get("1_run", {}).get("content", ""))
        visdom.close("stopped")
    text = windows(port, "text")["1_run"]["content"]
    assert "stopped, can go on" in text
    assert "2 of 4" in text
    assert text.index("lr&emsp;") < text.index("max_dataset_size&emsp;</td><td>inf")
    assert "&lt;script&gt;x" in text
    assert "<script>" not in text


@needs_visdom
def test_a_resumed_run_draws_its_whole_curve_into_the_same_window(port):
    with sink(port, "a/resumed run") as visdom:
        visdom.losses(at(0), {"G": 3.0})
    with sink(port, "a/resumed run") as visdom:
        points = [(at(0), {"G": 3.0}), (at(1), {"G": 2.0})]
        visdom.restore(Record("a/resumed run", losses=points, times=[0.0, 1.0]))
        visdom.losses(at(2), {"G": 1.0})
    assert curve(port, "a_resumed run") == {"G": [(0, 3), (1, 2), (2, 1)]}
    assert set(windows(port, "a_resumed run")) == {"1", "1_lr", "1_run"}


def test_a_thinned_curve_keeps_its_ends():
    for length in (1, 2, 999, 1000, 1001, 2001, 12345):
        points = [(float(x), {}) for x in range(length)]
        assert len(thinned(points)) <= 1000
        assert thinned(points)[0] == points[0]
        assert thinned(points)[-1] == points[-1]
    assert thinned([]) == []


def test_the_learning_rate_is_drawn_by_its_changes_alone():
    lrs = [2, 2, 2, 1, 1, float("nan"), 1, 1]
    points = [(replace(at(x), lr=lr), {}) for x, lr in enumerate(lrs)]
    drawn = [(x, values["learning rate"]) for x, values in rates(points)]
    assert drawn == [(0, 2), (2, 2), (3, 1), (7, 1)]
    assert rates([]) == []


def test_a_grid_is_filled_row_by_row_on_white():
    black, grey = np.zeros((2, 2), np.uint8), np.full((1, 2, 3), 9, np.uint8)
    canvas = grid([black, grey, black], columns=2, padding=1)
    assert canvas.shape == (8, 8, 3)
    assert canvas[1:3, 1:3].max() == 0
    assert canvas[1, 5:7].max() == 9
    assert canvas[2, 5:7].min() == 255  # the smaller image leaves white
    assert canvas[5:7, 5:7].min() == 255  # as does the missing one
