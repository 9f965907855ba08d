"""argv -> options: finds the model's and the data set's flags, layers the defaults, parses once."""

from __future__ import annotations

import argparse
import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from options.base_options import DataOptions, ModelOptions
from options.dataset_options import dataset_options
from options.flags import add_flags, build, defaults_of, flags_of
from options.legacy import modernise
from options.model_options import model_options
from options.recipes import recipe_flags

NOT_INHERITED = {  # which run it is, and where it stands, are not properties to take over
    *("name", "suffix", "checkpoints_dir", "isTrain"),
    *("continue_train", "epoch_count", "epoch", "load_iter", "init_from"),
}


REMEDY = "restore it, or delete it and give the run's flags again"


@dataclass(frozen=True)
class Parsed:
    """What a command line gave: the groups, and what each flag's default was."""

    groups: dict[str, Any]
    defaults: dict[str, Any]
    explicit: frozenset[str]


class BriefParser(argparse.ArgumentParser):
    """Answers errors with one line: the usage of eighty flags would hide it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")

    def parse_known_args(self, args=None, namespace=None):
        values, rest = super().parse_known_args(args, namespace)
        for name, value in vars(values).items():
            if isinstance(value, list):  # what older Pythons make of "--name=--"
                self.error(f"argument --{name}: expected one argument")
        return values, rest


class CommandLine:
    """The command line of one phase.

    Args:
        groups: attribute name -> options group, in the order of `--help`.
        phase: "train" or "test".
        take_over: what of a training run's flags counts when --options names its file.
    """

    def __init__(
        self,
        groups: dict[str, type],
        *,
        phase: str,
        description: str,
        take_over: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.groups, self.phase, self.description = groups, phase, description
        self.take_over = take_over

    def parse(self, argv: Sequence[str], saved: dict[str, Any] | None = None) -> Parsed:
        """Parses argv; `saved` flags come before built-in defaults and after the command line.

        Exits with status 2 and a message on what cannot be understood, as argparse does.
        """
        words = modernise(list(argv))
        parser, groups, defaults = self._settle(words, saved or {}, complete=True)
        values = vars(parser.parse_args(words))
        values["name"] = self._name(parser, values, defaults)
        explicit = frozenset(_given(words, parser) & values.keys())
        if self.phase == "test" and "crop_size" in explicit and "load_size" not in explicit:
            values["load_size"] = values["crop_size"]  # a test crops only when asked to
        if values["label_A"] and "input_nc" not in explicit:
            values["input_nc"] = values["label_A"]
        try:
            built = {key: build(group, {**defaults, **values}) for key, group in groups.items()}
        except ValueError as error:
            parser.error(str(error))
        return Parsed(built, defaults, explicit)

    def look(self, argv: Sequence[str]) -> tuple[dict[str, Any], frozenset[str]]:
        """Flag values, and which of them are explicit, before it is known what was saved.

        What only makes sense together with saved flags is not complained about.
        """
        words = modernise(list(argv))
        parser, _, defaults = self._settle(words, {}, complete=False)
        values = vars(parser.parse_known_args(words)[0])
        values["name"] = self._name(parser, values, defaults)
        return values, frozenset(_given(words, parser) & values.keys())

    def _settle(
        self, words: list[str], saved: dict[str, Any], *, complete: bool
    ) -> tuple[argparse.ArgumentParser, dict[str, type], dict[str, Any]]:
        """The parser with the flags of the model and data set that the words choose; groups; defaults."""
        saved = {**saved, **self._options_file(words)}
        saved = {name: value for name, value in saved.items() if name not in NOT_INHERITED}
        model, dataset = _peek(words, "model"), _peek(words, "dataset_mode")
        groups = self._groups(
            saved.get("model") if model is None else model,
            saved.get("dataset_mode") if dataset is None else dataset,
            *(_peek(words, flag) or saved.get(flag) for flag in ("netG", "netD")),
        )
        chosen = (_peek(words, "recipe") or saved.get("recipe"), model or saved.get("model"))
        while True:
            parser = self._parser()
            defaults = defaults_of(groups.values(), self.phase == "train")
            layers = {**recipe_flags(*chosen), **saved} if self.phase == "train" else saved
            known = {name: value for name, value in layers.items() if name in defaults}
            _check_saved(parser, groups, known)
            add_flags(parser, groups.values(), {**defaults, **known}, self.phase, complete)
            values = parser.parse_known_args(words)[0]
            found = self._groups(values.model, values.dataset_mode, values.netG, values.netD)
            recipe = (getattr(values, "recipe", None), values.model)
            if found == groups and recipe_flags(*recipe) == recipe_flags(*chosen):
                return parser, groups, defaults
            # --model, --dataset_mode or --recipe was abbreviated: what it brings is known only now
            groups, chosen = found, recipe

    def _parser(self) -> argparse.ArgumentParser:
        parser = BriefParser(
            description=self.description,
            epilog="Any flag may be shortened while it stays unique.",
        )
        parser.add_argument(
            "--options",
            metavar="FILE",
            help="take flags from this options.json; flags on the command line win",
        )
        return parser

    def _options_file(self, words: list[str]) -> dict[str, Any]:
        parser = argparse.ArgumentParser(add_help=False)
        parser.add_argument("--options", nargs="?")
        path = parser.parse_known_args(words)[0].options
        return self.take_over(self.read(Path(path))) if path else {}

    def read(self, file: Path) -> dict[str, Any]:
        """Saved flags; exits with status 2 and a message when the file is not an options file."""
        try:
            return read_options(file)
        except ValueError as error:
            self.refuse(str(error))

    def refuse(self, message: str) -> NoReturn:
        """Exits with status 2, the usage and the message."""
        self._parser().error(message)

    def _groups(
        self,
        model: str | None,
        dataset: str | None,
        netG: str | None = None,
        netD: str | None = None,
    ) -> dict[str, type]:
        """Returns the groups, with the flags of the model, its networks and the data set in their places."""
        base = defaults_of([ModelOptions, DataOptions], self.phase == "train")
        try:
            networks = str(netG or ""), str(netD or "")
            model_group = model_options(base["model"] if model is None else str(model), *networks)
            preferred = model_group.flag_defaults.get("dataset_mode", base["dataset_mode"])
            return {
                **self.groups,
                "data": dataset_options(preferred if dataset is None else str(dataset)),
                "model": model_group,
            }
        except ValueError as error:
            self.refuse(str(error))

    def _name(
        self, parser: argparse.ArgumentParser, parsed: dict[str, Any], defaults: dict[str, Any]
    ) -> str:
        if not parsed["suffix"]:
            return parsed["name"]
        try:
            return (
                parsed["name"]
                + "_"
                + string.Formatter().vformat(parsed["suffix"], (), {**defaults, **parsed})
            )
        except KeyError as error:
            parser.error(f"--suffix {parsed['suffix']!r}: no flag is named {error}")
        except (IndexError, ValueError, TypeError, AttributeError, MemoryError):
            parser.error(
                f"--suffix {parsed['suffix']!r}: write flags as {{netG}}, {{load_size}} ..."
            )


def _peek(words: list[str], name: str) -> str | None:
    """The value of one deciding flag, read before the parser that knows all flags can be built."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(f"--{name}", nargs="?")
    return getattr(parser.parse_known_args(words)[0], name)


def _check_saved(
    parser: argparse.ArgumentParser, groups: dict[str, type], saved: dict[str, Any]
) -> None:
    """Saved values pass the same checks as typed ones: the file may have been edited."""
    for group in groups.values():
        for name, meta in flags_of(group).items():
            if name not in saved:
                continue
            value, wanted = saved[name], type(meta["default"])
            fits = isinstance(value, (int, float) if wanted is float else wanted)
            fits = fits and (wanted is bool or not isinstance(value, bool))  # True is an int, too
            fits = fits or (isinstance(value, str) and _typed(meta["parse"], value) == value)
            if not fits or (meta["choices"] and value not in meta["choices"]):
                parser.error(f"saved options: {name} = {value!r} is not a value for --{name}")


def _typed(parse: Callable[[str], Any], text: str) -> Any:
    """What a flag makes of a text; None if it refuses it."""
    try:
        return parse(text)
    except (ValueError, argparse.ArgumentTypeError):
        return None


def _given(words: list[str], parser: argparse.ArgumentParser) -> set[str]:
    """Names of the flags that stand on the command line, abbreviated or not."""
    silent = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for action in parser._actions:
        if action.option_strings and action.dest != "help":
            nargs = 0 if action.nargs == 0 else None
            silent.add_argument(*action.option_strings, dest=action.dest, action=_Seen, nargs=nargs)
    return set(vars(silent.parse_known_args(words)[0]))


class _Seen(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)


def read_options(path: Path) -> dict[str, Any]:
    """Flags saved in an options.json.

    Raises: ValueError that names the file, when it cannot be read or is not one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); {REMEDY}") from None
    if not isinstance(content, dict) or not isinstance(content.get("flags"), dict):
        raise ValueError(f"{path} is not an options file: it has no 'flags'; {REMEDY}")
    return {
        name: float("inf") if value == "inf" else value for name, value in content["flags"].items()
    }


def dump_options(values: dict[str, Any]) -> str:
    """The text that `read_options` reads; infinity becomes "inf", which JSON lacks."""
    flags = {name: "inf" if value == float("inf") else value for name, value in values.items()}
    return json.dumps({"flags": flags}, indent=2, sort_keys=True) + "\n"
