"""argv -> options: finds the model's and the data set's flags, layers the defaults, parses once."""

from __future__ import annotations

import argparse
import re
import string
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, get_type_hints

from options.base_options import DataOptions, ModelOptions, RunOptions
from options.dataset_options import DATASETS, dataset_options
from options.flags import add_flags, build, changes, defaults_of, flags_of, flat, table
from options.help import BriefParser
from options.legacy import BY_MODEL, modernise
from options.model_options import MODELS, PerceptualOptions, model_options
from options.recipes import recipe_flags
from options.saved import OPTIONS_FILE, FlagsFile, Text, read_flags, read_options
from options.types import path as path_of
from options.wording import did_you_mean

NOT_INHERITED = {  # which run it is, and where it stands, are not properties to take over
    *("name", "suffix", "checkpoints_dir", "isTrain"),
    *("continue_train", "epoch_count", "epoch", "load_iter", "init_from"),
}


@dataclass(frozen=True)
class Parsed:
    """What a command line gave: the groups, and what each flag's default was."""

    groups: dict[str, Any]
    defaults: dict[str, Any]
    explicit: frozenset[str]


class CommandOptions:
    """All flags of a command: a group of flags in each field of a frozen dataclass, and their defaults."""

    phase: ClassVar[str]
    run: RunOptions
    defaults: dict[str, Any]

    @classmethod
    def groups(cls) -> dict[str, type]:
        """Lists attribute -> options group; those of model and data are replaced by the chosen ones' own."""
        hints: dict[str, type] = get_type_hints(cls)
        return {name: hints[name] for name in hints if is_dataclass(hints[name])}

    @property
    def folder(self) -> Path:
        """Folder of the run's checkpoints."""
        return Path(self.run.checkpoints_dir) / self.run.name

    def values(self) -> dict[str, Any]:
        """Collects flag name -> value."""
        return flat(self.phase, *(getattr(self, name) for name in self.groups()))

    def table(self) -> str:
        return table({**self.values(), "isTrain": self.phase == "train"}, self.defaults)

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Collects flag name -> value and default, where these differ."""
        return changes(self.values(), self.defaults)


class CommandLine:
    """The command line of one phase.

    Args:
        groups: attribute name -> options group, in the order of `--help`.
        phase: "train" or "test".
        common: the flags that --help shows.
        take_over: what of a training run's flags counts when --options names its file.
        other: flags of the other command, by its name.
    """

    def __init__(
        self,
        groups: dict[str, type],
        *,
        phase: str,
        description: str,
        common: Sequence[str] = (),
        take_over: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        other: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self.groups, self.phase, self.description = groups, phase, description
        self.common, self.take_over, self.other = common, take_over, other

    def parse(self, argv: Sequence[str], saved: dict[str, Any] | None = None) -> Parsed:
        """Parses argv; `saved` flags come before built-in defaults and after the command line.

        Exits with status 2 and a message on what cannot be understood, as argparse does.
        """
        words = modernise(list(argv))
        parser, groups, defaults, origins = self._settle(words, saved or {}, complete=True)
        values = vars(parser.parse_args(words))
        values["name"] = self._name(parser, values, defaults)
        explicit = frozenset(_given(words, parser) & values.keys())
        if self.phase == "test" and "crop_size" in explicit and "load_size" not in explicit:
            values["load_size"] = values["crop_size"]  # a test crops only when asked to
        if values["label_A"] and "input_nc" not in explicit:
            values["input_nc"] = values["label_A"]
        if values["label_B"] and "output_nc" not in explicit:
            values["output_nc"] = values["label_B"]
        try:
            built = {key: build(group, {**defaults, **values}) for key, group in groups.items()}
        except ValueError as error:
            named = set(re.findall(r"--(\w+)", str(error))) - explicit
            whence = next((f" (in {origins[name]})" for name in named if name in origins), "")
            parser.error(f"{error}{whence}")
        return Parsed(built, defaults, explicit)

    def look(self, argv: Sequence[str]) -> tuple[dict[str, Any], frozenset[str]]:
        """Reads flag values, and which of them are explicit, before it is known what was saved.

        What only makes sense together with saved flags is not complained about.
        """
        words = modernise(list(argv))
        parser, _, defaults, _ = self._settle(words, {}, complete=False)
        values = vars(parser.parse_known_args(words)[0])
        values["name"] = self._name(parser, values, defaults)
        return values, frozenset(_given(words, parser) & values.keys())

    def _settle(
        self, words: list[str], saved: dict[str, Any], *, complete: bool
    ) -> tuple[BriefParser, dict[str, type], dict[str, Any], dict[str, str]]:
        """Makes the parser with the flags of the model and data set that the words choose.

        Returns: it; groups; defaults; and from which file a flag is, for those of --options.
        """
        path = _peek(words, "options")
        file = self._options_file(path) if path else FlagsFile({}, of_a_run=True)
        saved = {**_inherited(saved), **file.flags}
        origins = dict.fromkeys(file.flags, path or "")
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
            self._describe(parser, groups, defaults)
            saved = {_meant(name, defaults): value for name, value in saved.items()}
            unknown = [name for name in file.flags if _meant(name, defaults) not in defaults]
            if unknown and not file.of_a_run:
                parser.error(f"{path}: there is no flag --{unknown[0]}{parser.explain(unknown[0])}")
            layers = {**recipe_flags(*chosen), **saved} if self.phase == "train" else saved
            known = {name: value for name, value in layers.items() if name in defaults}
            origins |= {_meant(name, defaults): file for name, file in origins.items()}
            known = _checked(parser, groups, known, origins)
            add_flags(parser, groups.values(), {**defaults, **known}, self.phase, complete)
            values = parser.parse_known_args(words)[0]
            found = self._groups(values.model, values.dataset_mode, values.netG, values.netD)
            found["model"] = found["model"].variant(values)
            recipe = (getattr(values, "recipe", None), values.model)
            if found == groups and recipe_flags(*recipe) == recipe_flags(*chosen):
                return parser, groups, defaults, origins
            # --model, --dataset_mode or --recipe was abbreviated, or the model has another mode: what that brings is
            # known only now
            groups, chosen = found, recipe

    def _parser(self) -> BriefParser:
        parser = BriefParser(self.description)
        parser.add_argument(
            "--options",
            metavar="FILE",
            type=path_of,
            help="take flags from a run's options.json, or from one written by hand; the command line wins",
        )
        return parser

    def _describe(
        self, parser: BriefParser, groups: dict[str, type], defaults: dict[str, Any]
    ) -> None:
        """Tells the parser which flags --help shows: those of every run, then the model's and data set's own."""
        of_all = {*flags_of(PerceptualOptions), *flags_of(DataOptions)}
        names = (*flags_of(groups["model"]), *flags_of(groups["data"]))
        own = [name for name in names if name not in of_all]
        parser.describe((*self.common, *own, "options", "help"), defaults, self.other)

    def _options_file(self, path: str) -> FlagsFile:
        """Reads what counts of the file that --options names."""
        try:
            file = read_flags(Path(path_of(path)))
        except ValueError as error:
            self.refuse(str(error))
        if not file.of_a_run:
            return file
        known = {"isTrain", *self._all_flags(file.flags)}
        for name, value in file.flags.items():
            if name not in known and not isinstance(value, Text):  # the original code had others
                self.refuse(f"{path}: there is no flag --{name}{did_you_mean(name, known)}")
        return file._replace(flags=_inherited(self.take_over(file.flags)))

    def _all_flags(self, flags: Mapping[str, Any]) -> set[str]:
        """Names the flags of all commands, models and data sets, with those of a file's own model and data set."""
        groups: list[Any] = [*self.groups.values(), *MODELS.values(), *DATASETS.values()]
        with suppress(ValueError):  # a model that is not here any more
            asked = (str(flags.get(name, "")) for name in ("netG", "netD"))
            groups.append(model_options(str(flags.get("model", "pix2pix")), *asked))
            groups.append(dataset_options(str(flags.get("dataset_mode", "aligned"))))
        names = {name for group in groups if group for name in flags_of(group)}
        return names.union(*self.other.values())

    def read(self, file: Path) -> dict[str, Any]:
        """Reads saved flags; exits with status 2 and a message when the file is not an options file."""
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
    ) -> dict[str, type[Any]]:
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
    """Reads the value of one deciding flag, read before the parser that knows all flags can be built."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(f"--{name}", nargs="?")
    return getattr(parser.parse_known_args(words)[0], name)


def _inherited(saved: dict[str, Any]) -> dict[str, Any]:
    """Returns the flags of a run that another command may take over."""
    return {name: value for name, value in saved.items() if name not in NOT_INHERITED}


def _meant(name: str, defaults: Collection[str]) -> str:
    """Returns the flag that an old name stands for in the chosen model."""
    today = BY_MODEL.get(name, name)
    return today if name not in defaults and today in defaults else name


def _checked(
    parser: argparse.ArgumentParser,
    groups: dict[str, type],
    saved: dict[str, Any],
    origins: Mapping[str, str],
) -> dict[str, Any]:
    """Returns saved values, after the same checks as typed ones: the file may have been edited."""
    checked = dict(saved)
    for group in groups.values():
        for name, meta in flags_of(group).items():
            if name not in saved:
                continue
            value, wanted = saved[name], type(meta["default"])
            if isinstance(value, Text):
                bools = {"True": True, "False": False}
                checked[name] = value = (
                    bools.get(value, value) if wanted is bool else _typed(meta["parse"], value)
                )
            fits = isinstance(value, (int, float) if wanted is float else wanted)
            fits = fits and (wanted is bool or not isinstance(value, bool))  # True is an int, too
            fits = fits or (isinstance(value, str) and _typed(meta["parse"], value) == value)
            choices = meta["choices"]
            if not fits or (choices and value not in choices):
                allowed = f": choose from {', '.join(map(str, choices))}" if choices else ""
                file = origins.get(name, OPTIONS_FILE)
                parser.error(f"{file}: {saved[name]!r} is not a value for --{name}{allowed}")
    return checked


def _typed(parse: Callable[[str], Any], text: str) -> Any:
    """Reads a text as its flag does; None if it refuses it."""
    try:
        return parse(text)
    except (ValueError, argparse.ArgumentTypeError):
        return None


def _given(words: list[str], parser: argparse.ArgumentParser) -> set[str]:
    """Collects the names of the flags that stand on the command line, abbreviated or not."""
    silent = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for action in parser._actions:
        if action.option_strings and action.dest != "help":
            nargs = action.nargs if action.nargs in (0, "?") else None
            silent.add_argument(*action.option_strings, dest=action.dest, action=_Seen, nargs=nargs)
    return set(vars(silent.parse_known_args(words)[0]))


class _Seen(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)
