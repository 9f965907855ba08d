"""Pages of results that share a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from util.pages.results import ResultWriter

PAIRS, ALONE = ("real_A", "fake_B", "real_B"), ("real", "fake")


def write_results(folder: Path, labels: tuple[str, ...]) -> Path:
    with ResultWriter(folder, "title", dataroot="d", phase="test", width=9) as writer:
        image = np.zeros((4, 4, 3), np.uint8)
        writer.add(0, dict.fromkeys(labels, "d/test/1.png"), dict.fromkeys(labels, image))
    return writer.file


@pytest.mark.parametrize("order", [(PAIRS, ALONE), (ALONE, PAIRS)])
def test_pages_of_pairs_and_of_inputs_alone_do_not_overwrite_each_other(order, tmp_path) -> None:
    for labels in order:
        write_results(tmp_path, labels)
    assert "1_real_B.png" in (tmp_path / "index.html").read_text()
    assert "1_fake.png" in (tmp_path / "index_test.html").read_text()


@pytest.mark.parametrize("labels", [PAIRS, ALONE])
def test_a_test_that_is_done_again_replaces_its_page(labels, tmp_path: Path) -> None:
    files = [write_results(tmp_path, labels) for _ in range(2)]
    assert files == [tmp_path / "index.html"] * 2
    assert len(list(tmp_path.glob("*.html"))) == 1
