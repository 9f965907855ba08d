"""Scores of label maps against closed forms, and labels from colours."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from util.errors import InputError
from util.images.label_maps import (
    CITYSCAPES,
    IGNORED,
    Palette,
    draw_labels,
    nearest_colours,
    predicted_labels,
    read_palette,
    train_ids,
    true_labels,
)
from util.metrics.segmentation import (
    confusion_matrix,
    results_table,
    results_text,
    segmentation_scores,
)

TRUTH = np.array([[0, 0, 0, 1], [1, 1, 2, IGNORED]])
HALVES = Palette.of([("left", (255, 0, 0)), ("right", (0, 0, 255)), ("void", (0, 0, 0))])


def test_rows_are_true_classes_and_columns_predicted_ones() -> None:
    predicted = np.array([[0, 0, 1, 1], [1, 2, 2, 0]])
    assert confusion_matrix(TRUTH, predicted, 3).tolist() == [[2, 1, 0], [0, 2, 1], [0, 0, 1]]


def test_scores_of_a_small_matrix() -> None:
    scores = segmentation_scores(np.array([[2, 1, 0], [0, 2, 1], [0, 0, 1]]))
    assert scores.pixel_accuracy == 5 / 7
    assert scores.class_accuracies.tolist() == [2 / 3, 2 / 3, 1]
    assert scores.class_ious.tolist() == [2 / 3, 2 / 4, 1 / 2]
    assert scores.class_accuracy == pytest.approx(7 / 9)
    assert scores.class_iou == pytest.approx(5 / 9)


def test_a_perfect_prediction_scores_one_whatever_is_predicted_where_nothing_counts() -> None:
    for anything in (0, 2, 77, IGNORED):
        scores = segmentation_scores(
            confusion_matrix(TRUTH, np.where(TRUTH < 3, TRUTH, anything), 3)
        )
        assert (scores.pixel_accuracy, scores.class_accuracy, scores.class_iou) == (1, 1, 1)


def test_classes_that_do_not_occur_are_left_out_of_the_means() -> None:
    scores = segmentation_scores(np.array([[4, 0, 0], [0, 4, 0], [0, 0, 0]]))
    assert (scores.class_accuracy, scores.class_iou) == (1, 1)
    assert np.isnan(scores.class_ious[2])
    predicted_alone = segmentation_scores(np.array([[3, 0, 1], [0, 4, 0], [0, 0, 0]]))
    assert np.isnan(predicted_alone.class_accuracies[2])
    assert predicted_alone.class_accuracy == pytest.approx((3 / 4 + 1) / 2)
    assert predicted_alone.class_iou == pytest.approx((3 / 4 + 1 + 0) / 3)


def test_no_counted_pixel_and_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="no labelled pixel"):
        segmentation_scores(confusion_matrix(np.full((2, 2), IGNORED), np.zeros((2, 2)), 3))
    with pytest.raises(ValueError, match="true labels go from 0 to 2"):
        confusion_matrix(TRUTH, np.zeros_like(TRUTH), 2)
    with pytest.raises(ValueError, match="predicted labels go from 0 to 3"):
        confusion_matrix(TRUTH, np.where(TRUTH == 2, 3, TRUTH), 3)
    with pytest.raises(ValueError, match=re.escape("truth is (2, 4), prediction is (4,)")):
        confusion_matrix(TRUTH, TRUTH[0], 3)


def test_the_text_has_the_lines_of_2017() -> None:
    confusion = np.array([[3, 1], [0, 4]])
    assert results_text(("road", "traffic light"), segmentation_scores(confusion)).splitlines() == [
        "Mean pixel accuracy: 0.875000",
        "Mean class accuracy: 0.875000",
        "Mean class IoU: 0.775000",
        "************ Per class numbers below ************",
        "road           : acc = 0.750000, iou = 0.750000",
        "traffic light  : acc = 1.000000, iou = 0.800000",
    ]


def test_the_table_is_json_with_null_for_classes_that_do_not_occur() -> None:
    confusion = np.array([[3, 0], [0, 0]])
    table = results_table(("a", "b"), segmentation_scores(confusion), confusion)
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert table["classes"]["b"] == {"accuracy": None, "iou": None, "pixels": 0}


def test_cityscapes_ids_become_the_19_train_ids() -> None:
    ids = np.array([7, 8, 11, 33, 0, 4, 29, 255, -1, 40000], np.int32)
    assert train_ids(ids).tolist() == [0, 1, 2, 18, *[IGNORED] * 6]
    assert len(CITYSCAPES.names) == 19
    assert (train_ids(np.arange(256)) != IGNORED).sum() == 19


def test_every_label_is_found_again_by_its_colour_also_when_a_network_is_a_little_off() -> None:
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    image = draw_labels(labels, CITYSCAPES)
    assert (predicted_labels(image, CITYSCAPES) == labels).all()
    assert (true_labels(image, CITYSCAPES) == labels).all()
    off = (image.astype(int) + np.array([9, -9, 3])).clip(0, 255).astype(np.uint8)
    assert (predicted_labels(off, CITYSCAPES) == labels).all()


def test_nearest_is_by_distance_in_rgb_and_the_first_of_equals() -> None:
    colours = np.array([[0, 0, 0], [10, 0, 0]], np.uint8)
    image = np.array([[[4, 0, 0], [5, 0, 0], [6, 3, 0]]], np.uint8)
    labels, distance = nearest_colours(image, colours)
    assert labels.tolist() == [[0, 0, 1]]
    assert distance.tolist() == [[16, 25, 25]]


def test_void_and_foreign_colours_count_in_no_truth_but_predictions_always_have_a_class() -> None:
    image = np.array([[[250, 5, 5], [0, 0, 0], [0, 255, 0]]], np.uint8)
    assert true_labels(image, HALVES).tolist() == [[0, IGNORED, IGNORED]]
    assert set(predicted_labels(image, HALVES).ravel()) <= {0, 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.json", '{"left": [255, 0, 0], "right": [0, 0, 255], "void": [0, 0, 0]}'),
        ("p.csv", "name,red,green,blue\nleft,255,0,0\nright,0,0,255\nvoid,0,0,0\n"),
        ("p.CSV", "\ufeffleft, 255, 0, 0\n# a remark\n\nright,0,0,255\nvoid,0,0,0"),
    ],
)
def test_palettes_are_read_from_json_and_csv(name, text, tmp_path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    palette = read_palette(tmp_path / name)
    assert palette.names == HALVES.names
    assert (palette.colours == HALVES.colours).all()
    assert (palette.void == HALVES.void).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.json", "[1, 2]", "cannot be understood"),
        ("p.json", '{"a": [0, 0, 256]}', "cannot be understood"),
        ("p.json", '{"a": 7}', "cannot be understood"),
        ("p.json", "[" * 100_000, "cannot be understood"),
        ("p.csv", "a,1,2", "cannot be understood"),
        ("p.csv", "a,1,2,3\nb,1,2,x", "cannot be understood"),
        ("p.csv", "", "has 0 classes"),
        ("p.csv", "void,1,2,3", "has 0 classes"),
        ("p.csv", "a,1,2,3\nb,1,2,3", "two classes of one colour"),
        ("p.csv", "a,1,2,3\na,1,2,4", "one name"),
    ],
)
def test_a_palette_that_says_something_else_is_refused(name, text, message, tmp_path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_palette(tmp_path / name)


def test_a_palette_that_is_missing_or_no_text_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot read --palette"):
        read_palette(tmp_path / "none.json")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="cannot be understood"):
        read_palette(tmp_path / "bytes.csv")
