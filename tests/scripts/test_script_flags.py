"""Flags of scripts: answered before PyTorch is imported, in one style, under the same names in all scripts."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATOR = ("translate", "export", "distill", "make_web_demo", "serve")
SCRIPTS = (
    *GENERATOR,
    "evaluate",
    "compare_results",
    "show_run",
    "demo",
    "visdom_server",
    "verify_checkpoints",
)
CLASSIC = ("edges.batch_edges", "edges.batch_hed", "eval_cityscapes.evaluate")
BUILT = (*GENERATOR, "evaluate", "compare_results", "show_run", "demo")
NEEDED = {"translate": ["in", "out"], "make_web_demo": ["--out", "page"]}


def parse(script: str, *words: str) -> argparse.Namespace:
    parser = importlib.import_module(f"scripts.{script}").build_parser()
    return parser.parse_args([*NEEDED.get(script, []), *words])


@pytest.mark.parametrize("script", [*SCRIPTS, *CLASSIC])
def test_help_does_not_import_pytorch(script: str) -> None:
    code = f"import sys; sys.argv[1:] = ['--help']; import scripts.{script} as s\n"
    code += "try: s.main(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("script", GENERATOR)
def test_a_generator_is_chosen_by_the_same_flags_in_all_scripts(script: str) -> None:
    words = "--name n --checkpoints_dir c --direction BtoA --epoch best --use_ema"
    options = parse(script, *words.split())
    assert (options.name, options.checkpoints_dir, options.direction) == ("n", Path("c"), "BtoA")
    assert (options.epoch, options.use_ema, options.weights) == ("best", True, None)


@pytest.mark.parametrize("script", ["translate", "export", "make_web_demo", "serve", "evaluate"])
def test_gpus_are_chosen_by_the_same_flag_in_all_scripts(script: str) -> None:
    words = [] if script == "evaluate" else ["--name", "n"]
    assert parse(script, *words, "--gpu_ids", "-1").gpu_ids == "-1"


@pytest.mark.parametrize("script", GENERATOR)
@pytest.mark.parametrize("alias", ["--running_statistics", "--eval"])
def test_older_names_of_running_statistics_are_understood(script: str, alias: str) -> None:
    assert parse(script, "--name", "n", alias).norm_policy == "running"
    assert parse(script, "--name", "n", "--norm_policy", "running").norm_policy == "running"


def test_a_mistyped_flag_gets_one_line_with_the_one_that_was_meant(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("serve", "--name", "n", "--lnger", "3")
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "(did you mean --linger?)" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("script", BUILT)
def test_help_says_every_default_in_one_way(script: str) -> None:
    text = importlib.import_module(f"scripts.{script}").build_parser().format_help()
    assert "; default" not in text
    assert "%(default)s" not in text
    assert "None" not in text


def test_the_formats_of_export_are_those_that_can_be_written() -> None:
    from scripts.export import FORMATS
    from scripts.lib.exporting import writing

    assert (*writing.FORMATS, "bioimageio") == FORMATS  # which is ONNX with a description


def test_a_tilde_in_a_path_is_the_home_folder(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert parse("serve", "--name", "n", "--checkpoints_dir=~/runs").checkpoints_dir == Path("/home/me/runs")  # fmt: skip
    assert parse("evaluate", "~/results/a").folders == [Path("/home/me/results/a")]
