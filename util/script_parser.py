"""Command lines of scripts: one style of help, and errors of one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from options.wording import did_you_mean, printable

METAVARS = {int: "N", float: "NUMBER", Path: "PATH"}


def script_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the text at the top of a script, in its own lines, and its flags with their defaults.

    Flags must be whole: a new one cannot change what an old line means.
    """
    return ScriptParser(description=doc, formatter_class=ScriptHelp, allow_abbrev=False)


class ScriptHelp(argparse.RawDescriptionHelpFormatter):
    """Help that ends with "(default: x)" where a flag has a default and its text does not say it."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        silent = action.default is False or action.default in (None, "", [], argparse.SUPPRESS)
        if silent or "(default" in text:
            return text
        return f"{text} (default: %(default)s)".lstrip()

    def _get_default_metavar_for_optional(self, action: argparse.Action) -> str:
        return METAVARS.get(action.type, action.dest.upper())  # type: ignore[call-overload]


class ScriptParser(argparse.ArgumentParser):
    """Answers a mistake with one line, and the flag that may have been meant; ~ in paths is the home folder."""

    words: Sequence[str] = ()

    def parse_known_args(self, args=None, namespace=None):
        self.words = sys.argv[1:] if args is None else list(args)
        values, rest = super().parse_known_args(args, namespace)
        for name, value in vars(values).items():
            if isinstance(value, Path):
                setattr(values, name, value.expanduser())
            elif isinstance(value, list):
                expanded = [one.expanduser() if isinstance(one, Path) else one for one in value]
                setattr(values, name, expanded)
        return values, rest

    def error(self, message: str) -> NoReturn:
        text = f"{self.prog}: error: {message}{self._meant()} (see --help)"
        self.exit(2, printable(text) + "\n")

    def _meant(self) -> str:
        known = self._option_string_actions
        shown = [flag for flag, action in known.items() if action.help != argparse.SUPPRESS]
        given = [word.partition("=")[0] for word in self.words if word.startswith("--")]
        return "".join(did_you_mean(word, shown) for word in given if word not in known)
