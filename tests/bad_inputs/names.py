"""Names of runs, of image files and of folders: in pages, links, results and flags."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import write_images
from helpers.training_page import read_training_page

from bad_inputs.commands import pairs, train_run, translate, weights
from bad_inputs.kind import BadInput
from bad_inputs.pages import checked_page

ODD = {
    "spaces": "a  b c",
    "single quote": "it's",
    "double quotes": 'a "b" c',
    "hash": "a#b",
    "percent": "100%25",
    "question mark": "a?b=c",
    "a script": "<script>alert(1)<&script>",
    "ampersand": "a&amp;b&lt",
    "plus, equals, colon": "a+b=c:d;e,f",
    "braces": "{netG}{0}{",
    "brackets": "[a]*",
    "umlaut": "ü",
    "decomposed umlaut": "u\u0308",
    "Chinese": "漢字",
    "emoji": "🦓🚀",
    "right to left": "עברית",
    "200 letters": "x" * 200,
    "leading dash": "-rf",
    "two leading dashes": "--help",
    "dollar and backtick": "$HOME`id`",
    "tilde": "~root",
    "several dots": "a..b...c",
    "name of a label": "000_fake",
}
UNPRINTABLE = {"newline": "a\nb", "tab": "a\tb", "escape": "a\x1b[31mb", "backslash": "a\\b"}
UNPRINTABLE["emoji with a joiner"] = "👩\u200d🚀"
if sys.platform == "linux":  # others have no such file names
    UNPRINTABLE["bytes that are no UTF-8"] = os.fsdecode(b"a\xff\xfe")


def as_run(name: str) -> Callable[[Path], Callable[[], Any]]:
    """Trains a run of that name and tests it."""

    def make(folder: Path):
        pairs(folder)

        def run() -> int:
            train_run(folder, name=name)
            return translate(folder, "--phase=train", model="pix2pix", name=name)

        return run

    return make


def pages_of(folder: Path, name: str) -> None:
    assert read_training_page(folder / "checkpoints" / name / "web").run["name"] == name
    results = checked_page(folder / "results" / name / "train_latest/index.html")
    title = f"{name} · train set · latest weights"
    assert results.texts["title"] == results.texts["h1"] == [title]
    assert len(results.pictures) == 12


def as_file(name: str) -> Callable[[Path], Callable[[], Any]]:
    """Translates an image file of that name, beside another."""

    def make(folder: Path):
        write_images(folder / "given", 2, 12, 12)
        (folder / "given/000.png").rename(folder / "given" / f"{name}.png")
        weights(folder)
        return lambda: translate(folder)

    return make


def shown_by_name(folder: Path, name: str) -> None:
    page = checked_page(folder / "results/run/test_latest/index.html")
    assert name.encode("utf-8", "backslashreplace").decode() in page.texts["h2"]
    assert len(page.pictures) == 8
    for label in ("real", "fake"):
        assert (folder / f"results/run/test_latest/images/{name}_{label}.png").is_file()


def as_folder(name: str) -> Callable[[Path], Callable[[], Any]]:
    """Trains with a data root of that name, then tests an image in a sub-folder of that name."""

    def make(folder: Path):
        write_images(folder / name / "train" / name, 1, 32, 64)
        weights(folder, name="test")

        def run() -> int:
            train_run(folder, root=folder / name)
            return translate(folder, root=folder / name / "train", name="test")

        return run

    return make


def shown_by_folder(folder: Path, name: str) -> None:
    read_training_page(folder / "checkpoints/run/web")
    page = checked_page(folder / "results/test/test_latest/index.html")
    assert page.texts["h2"] == [f"{name}/000".encode("utf-8", "backslashreplace").decode()]


def refused(flag: str, **ends: Any) -> BadInput:
    def make(folder: Path):
        pairs(folder)
        return lambda: train_run(folder, flag)

    return BadInput("name", flag or "''", make, **ends)


def refused_in_a_test(flag: str, says: str) -> BadInput:
    def make(folder: Path):
        write_images(folder / "given", 1)
        weights(folder)
        return lambda: translate(folder, flag)

    return BadInput("name", f"{flag}, in a test", make, says)


def two_inputs_one_name(folder: Path):
    """a.png, a.jpg, a/a.png and testA/a.png: four inputs, whose results must not overwrite each other."""
    write_images(folder / "given", 1)
    first = folder / "given/000.png"
    for other in ("000.jpg", "000/000.png", "testA/000.png", "000_png.png", "testA.png"):
        (folder / "given" / other).parent.mkdir(exist_ok=True)
        (folder / "given" / other).write_bytes(first.read_bytes())
    weights(folder)
    return lambda: translate(folder)


def six_results(folder: Path) -> None:
    page = checked_page(folder / "results/run/test_latest/index.html")
    assert len(set(page.pictures)) == 12


def too_long_for_its_results(folder: Path):
    write_images(folder / "given", 1)
    (folder / "given/000.png").rename(folder / "given" / ("x" * 250 + ".png"))
    weights(folder)
    return lambda: translate(folder)


def long_run_name_in_a_test(folder: Path):
    write_images(folder / "given", 1)
    return lambda: translate(folder, name="x" * 300)


FLAGS = {
    **dict.fromkeys(["--name=../../x", "--name=", "--name=a/b", "--name=.", "--name=..", "--name= "], "--name"),
    **dict.fromkeys(["--phase=../x", "--phase=", "--phase=a\nb"], "--phase"),
    **dict.fromkeys(["--suffix={", "--suffix={0}", "--suffix={name", "--suffix={nothing}", "--suffix={name.x}",
                     "--suffix={name!x}", "--suffix={ngf:999999999999d}", "--suffix={name:{name}}"], "--suffix"),
    "--suffix=/../{name}": "--name",
    "--name=" + "x" * 300: "... is too long: 300 bytes",
    "--phase=" + "x" * 300: "... is too long: 300 bytes",
}  # fmt: skip
IN_TESTS = {
    "--epoch=../x": "--epoch",
    "--epoch=": "--epoch",
    "--model_suffix=/../x": "does not exist",
}

KINDS = [
    *(BadInput("name", f"run: {k}", as_run(n), check=lambda f, n=n: pages_of(f, n)) for k, n in ODD.items()),
    *(BadInput("name", f"run: {k}", as_run(n), "--name") for k, n in UNPRINTABLE.items()),
    *(
        BadInput("name", f"image: {k}", as_file(n), check=lambda f, n=n: shown_by_name(f, n))
        for k, n in {**ODD, **UNPRINTABLE}.items()
    ),
    *(
        BadInput("name", f"folder: {k}", as_folder(n), check=lambda f, n=n: shown_by_folder(f, n))
        for k, n in {**ODD, **UNPRINTABLE}.items()
    ),
    *(refused(flag, says=says) for flag, says in FLAGS.items()),
    *(refused_in_a_test(flag, says) for flag, says in {**FLAGS, **IN_TESTS}.items()),
    BadInput("name", "image: leading dot", as_file(".x"), check=lambda folder: None),
    BadInput("name", "inputs whose results have one name", two_inputs_one_name, check=six_results),
    BadInput("name", "image: too long for its results", too_long_for_its_results, "cannot write to"),
    BadInput("name", "run: too long, in a test", long_run_name_in_a_test, "... is too long: 300 bytes"),
]  # fmt: skip
