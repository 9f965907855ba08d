"""Command lines of scripts: one style of help, and errors of one line."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

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
    """Answers a mistake with one line, and the flag that may have been meant."""

    words: Sequence[str] = ()

    def parse_known_args(self, args=None, namespace=None):
        self.words = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}{self._hints()} (see --help)\n")

    def _hints(self) -> str:
        known = self._option_string_actions
        shown = [flag for flag, action in known.items() if action.help != argparse.SUPPRESS]
        given = [word.partition("=")[0] for word in self.words if word.startswith("--")]
        close = [difflib.get_close_matches(word, shown, 1) for word in given if word not in known]
        return "".join(f"; did you mean {found[0]}?" for found in close if found)
