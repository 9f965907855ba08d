"""Every kind of bad or strange input ends in one clear message, or works; no traceback, nothing lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from bad_inputs.every import EVERY
from bad_inputs.kind import BadInput, tried
from bad_inputs.pages import checked_page

from util.errors import InputError


@pytest.mark.parametrize("kind", EVERY, ids=str)
def test_bad_input_is_explained_or_works_and_nothing_is_lost(
    kind: BadInput, tmp_path: Path
) -> None:
    assert not tried(kind, tmp_path).wrong


def test_no_two_kinds_have_one_name() -> None:
    assert len({str(kind) for kind in EVERY}) == len(EVERY)


def a_kind(run, says: str = "") -> BadInput:
    """A kind whose folder holds one file; run is given the folder."""

    def make(folder: Path):
        (folder / "given.txt").write_text("mine")
        return lambda: run(folder)

    return BadInput("judge", "kind", make, says)


def fails(folder: Path) -> None:
    raise ValueError("not for users")


def loses(folder: Path) -> None:
    (folder / "given.txt").unlink()
    raise InputError("sorry")


def changes(folder: Path) -> None:
    (folder / "given.txt").write_text("yours")


def leaves(folder: Path) -> None:
    (folder / ".half.tmp").touch()


def hangs(folder: Path) -> None:
    time.sleep(60)


@pytest.mark.parametrize(
    ("run", "says", "wrong"),
    [
        (fails, "not for users", "traceback instead of message: Traceback"),
        (loses, "sorry", "lost or left over: given.txt"),
        (changes, "", "lost or left over: given.txt"),
        (leaves, "", ".half.tmp"),
        (hangs, "", "TimeoutError: not done after"),
        (lambda folder: None, "--name", "works instead of message"),
    ],
)
def test_the_judge_sees(run, says: str, wrong: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("bad_inputs.kind.SECONDS", 1)
    assert wrong in "\n".join(tried(a_kind(run, says), tmp_path).wrong)


@pytest.mark.parametrize(
    "html", ["<p><b></p></b>", "<p>", '<a href="none">x</a>', "<iframe></iframe>", "</p>"]
)
def test_the_reader_of_pages_sees_what_is_not_well_formed_or_leads_nowhere(html, tmp_path) -> None:
    (tmp_path / "index.html").write_text(f"<!DOCTYPE html>{html}")
    with pytest.raises(AssertionError):
        checked_page(tmp_path / "index.html")
