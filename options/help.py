"""Help and error messages of the command line: the most used flags, and proposals for what was mistyped."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NoReturn

from options.flags import flags_of
from options.legacy import DROPPED
from options.model_options import MODELS
from options.wording import did_you_mean, printable


class BriefParser(argparse.ArgumentParser):
    """Answers --help with the flags that are used most, and errors with one line.

    Attributes:
        common: those flags, in their order.
        known: all flags of the command.
        other: flags of the other command, by its name.
        words: of the command line that is parsed.
    """

    common: Sequence[str] = ()
    known: Collection[str] = ()
    other: Mapping[str, Collection[str]] = MappingProxyType({})
    words: Sequence[str] = ()

    def __init__(self, description: str) -> None:
        super().__init__(
            usage="%(prog)s --dataroot FOLDER --name NAME --model NAME [flags]",
            description=description,
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=28),
            add_help=False,
        )
        self.add_argument(
            "-h",
            "--help",
            nargs="?",
            metavar="WORD",
            action=_Help,
            help="show the flags that are used most; all of them with --help all, those about a word with --help WORD",
        )

    def describe(
        self, common: Sequence[str], known: Collection[str], other: Mapping[str, Collection[str]]
    ) -> None:
        """Sets the attributes, once it is known which flags the model and the data set have."""
        self.common, self.known, self.other = common, known, other
        self.epilog = (
            f"--help all shows all {len(known)} flags, --help WORD those about a word, such as\n"
            "--help visdom. Any flag may be shortened while it stays unique."
        )

    def error(self, message: str) -> NoReturn:
        if "arguments are required" in message:  # perhaps one of them was mistyped
            given = [word.partition("=")[0] for word in self.words if word.startswith("--")]
            known = tuple(self._option_string_actions)
            for name in given:
                if not any(flag.startswith(name) for flag in known):
                    message += f"; {name} is unknown{self.explain(name[2:])}"
        self.exit(2, printable(f"{self.prog}: error: {message} (see --help)") + "\n")

    def parse_args(self, args=None, namespace=None):
        values, rest = self.parse_known_args(args, namespace)
        if rest:
            flags = [word.partition("=")[0][2:] for word in rest if word.startswith("--")]
            hint = self.explain(flags[0]) if flags else ""
            self.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
        return values

    def parse_known_args(self, args=None, namespace=None):
        self.words = list(args or ())
        values, rest = super().parse_known_args(args, namespace)
        for name, value in vars(values).items():
            if isinstance(value, list):  # what older Pythons make of "--name=--"
                self.error(f"argument --{name}: expected one argument")
        return values, rest

    def explain(self, name: str) -> str:
        """Says what a flag that this command does not have may have meant; "" if nothing comes near."""
        if f"--{name}" in DROPPED:
            return f": {DROPPED[f'--{name}']}"
        models = [model for model, group in MODELS.items() if group and name in flags_of(group)]
        if models:
            return f": --{name} is a flag of --model {' or '.join(models)}"
        for command, flags in self.other.items():
            if name in flags:
                return f": --{name} is a flag of {command}"
        meant = did_you_mean(name, self.known)
        return meant.replace("did you mean ", "did you mean --")

    def show_help(self, word: str | None) -> NoReturn:
        """Prints the most used flags; with "all" every one, with another word those that it stands in."""
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, [], [])
        formatter.add_text(self.description)
        if word == "all":
            sections = [(group.title, group._group_actions) for group in self._action_groups]
        elif word is None:
            by_name = {action.dest: action for action in reversed(self._actions)}
            common = [name for name in dict.fromkeys(self.common) if name in by_name]
            sections = [("flags", [by_name[name] for name in common])]
        else:
            found = [
                a
                for a in self._actions
                if word in f"--{a.dest} {a.help}" and a.help != argparse.SUPPRESS
            ]
            if not found:
                self.error(f"--help {word}: no flag is about that")
            sections = [(f"flags about {word!r}", found)]
        for title, actions in sections:
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        self._print_message(formatter.format_help(), sys.stdout)
        self.exit()

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            names = ", ".join(map(str, action.choices))
            meant = did_you_mean(str(value), map(str, action.choices))
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{meant}: choose from {names}"
            )


class _Help(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        parser.show_help(values)
