"""What must be so for all names on pages and of results."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from bad_inputs.pages import checked_page
from helpers.property import folder
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from util.errors import InputError
from util.pages.gallery import Example, Picture, write_gallery
from util.pages.results import ResultWriter, result_name

FILE_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..", "index.html"))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(
    TEXTS,
    st.lists(st.tuples(TEXTS, st.lists(st.tuples(FILE_NAMES, TEXTS), max_size=3)), max_size=3),
)
def test_a_page_gives_its_texts_back_and_its_links_lead_to_the_files(title, rows) -> None:
    with folder() as place:
        for _, pictures in rows:
            for name, _ in pictures:
                (place / name).write_bytes(b"")
        examples = [
            Example(heading, [[Picture(*pair, 8, 8) for pair in pictures]])
            for heading, pictures in rows
        ]
        write_gallery(place / "index.html", title, examples, [], width=99)
        page = checked_page(place / "index.html")
    assert page.texts["h1"] == [title]
    assert page.texts.get("h2", []) == [heading for heading, _ in rows]
    labels = [label for _, pictures in rows for _, label in pictures]
    assert page.texts.get("figcaption", []) == labels


PATHS = st.lists(FILE_NAMES, min_size=1, max_size=3).map("/".join)
ENDINGS = st.sampled_from([".png", ".jpg", ".PNG", ".tar.png"])


@given(st.lists(PATHS, min_size=1, max_size=4), ENDINGS)
def test_a_result_lies_below_the_folder_of_results(paths: list[str], ending: str) -> None:
    for path in paths:
        parts = Path(result_name(f"D/{path}{ending}", "D", "test")).parts
        assert ".." not in parts
        assert not Path(*parts).is_absolute()


PLACES = st.sampled_from(["", "test/", "testA/", "testB/", "a/", "testA/a/", "a_png/"])
STEMS = st.sampled_from(["a", "a_png", "a_jpg", "testA", "a.b", "a_fake", "..a", "ü", " "])
INPUTS = st.builds("D/{}{}{}".format, PLACES, STEMS, ENDINGS)


@given(st.lists(INPUTS, min_size=1, max_size=8, unique=True))
def test_two_inputs_never_share_a_result(inputs: list[str]) -> None:
    with folder() as place:
        refused = 1
        with (
            contextlib.suppress(InputError),  # rather none than the wrong one
            ResultWriter(place, "title", dataroot="D", phase="test", width=9) as writer,
        ):
            for i, path in enumerate(inputs):
                image = np.full((1, 1), i, np.uint8)
                writer.add(i, {"real": path, "fake": path}, {"real": image, "fake": image})
            refused = 0
        page = checked_page(place / "index.html")
        files = [place / "images" / f"{heading}_real.png" for heading in page.texts["h2"]]
        assert len(set(files)) == len(files)
        assert refused or len(files) == len(inputs)
        for i, file in enumerate(files):
            with Image.open(file) as image:
                assert image.getpixel((0, 0)) == i
