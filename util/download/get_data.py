"""Data sets from Python, or by a question on the terminal; the shell commands are in datasets/."""

from __future__ import annotations

import os

from util.download.download import KINDS, download
from util.errors import InputError


class GetData:
    """Downloads a data set of a paper: GetData("pix2pix").get("./datasets", "facades").

    Args:
        technique: "cyclegan" or "pix2pix".
        verbose: False prints nothing but the question.
    """

    def __init__(self, technique: str = "cyclegan", verbose: bool = True) -> None:
        self.kind = f"{technique.lower()}_dataset"
        if self.kind not in KINDS:
            raise InputError(f"technique {technique!r} is neither 'cyclegan' nor 'pix2pix'")
        self.verbose = verbose

    def get(self, save_path: str | os.PathLike[str], dataset: str | None = None) -> str:
        """The absolute path of the data set below save_path; left alone if it is there already.

        Args:
            dataset: its name, with or without .zip or .tar.gz; None asks on the terminal.
        Raises: InputError with what was tried, what happened and what to do.
        """
        name = self.ask() if dataset is None else dataset.split(".")[0]
        say = print if self.verbose else lambda line: None
        return str(download(self.kind, name, out=os.fspath(save_path), say=say))

    def ask(self) -> str:
        names = KINDS[self.kind].names
        print("Options:\n")
        for number, name in enumerate(names):
            print(f"{number}: {name}")
        answer = input(
            "\nPlease enter the number of the dataset above you wish to download:"
        ).strip()
        if answer.isdecimal() and int(answer) < len(names):
            return names[int(answer)]
        if answer in names:
            return answer
        raise InputError(f"{answer!r} is not a number from 0 to {len(names) - 1}")
