"""What the README and the documents say still works: commands run, flags exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import write_images

import test as test_script
import train as train_script
from options.legacy import RENAMED, REPLACED

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
QUICK = "--ngf 2 --ndf 2 --n_epochs 1 --n_epochs_decay 0 --num_threads 0 --display_id -1"


def commands(page: Path) -> list[str]:
    """The python train.py and python test.py lines of a page's shell blocks, in their order."""
    blocks = re.findall(r"```(?:bash|sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if re.match(r"\s*python (train|test)\.py ", line)]


def make_data(root: Path) -> None:
    """All layouts, so that any model finds its folders."""
    if not root.exists():
        for phase in ("train", "val", "test"):
            write_images(root / phase, 2, 64, 128)
            for side in "AB":
                write_images(root / f"{phase}{side}", 2, 64, 64)
            rows = [f"{phase}A/{i:03d}.png,{phase}B/{i:03d}.png" for i in range(2)]
            (root / f"{phase}.csv").write_text("\n".join(["A,B", *rows]))


def run(command: str, home: Path) -> None:
    words = [word for word in shlex.split(command, comments=True) if word != "..."]
    script = train_script if words[1] == "train.py" else test_script
    root = home / words[words.index("--dataroot") + 1]
    make_data(root.parent if root.name.startswith("test") else root)
    quick = shlex.split(QUICK) if script is train_script else []
    if "--continue_train" in words:
        quick[quick.index("--n_epochs") + 1] = "3"
    if "--use_wandb" not in words:
        assert script.main([*words[2:], *quick]) == 0, command


def python_files(page: Path) -> list[tuple[str, str]]:
    """Name and content of the code blocks that begin with a file's name."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, re.S)


def drop_in(page: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the page's files, code blocks that begin with their path, beside ours."""
    import data
    import models
    import models.networks

    for name, code in python_files(page):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(code, encoding="utf-8")
    for package in (data, models, models.networks):
        folder = home / package.__name__.replace(".", "/")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])


def test_the_commands_of_the_readme_run_in_their_order_and_those_of_its_own_model_and_data_set(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    extending = ROOT / "docs/extending.md"
    drop_in(extending, tmp_path, monkeypatch)
    found = [*commands(PAGES[0]), *commands(extending)]
    assert len(found) >= 10
    for command in found:
        if "_pretrained" not in command:  # needs a download
            run(command, tmp_path)


def test_every_flag_in_the_documents_exists() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("options", "models", "data", "datasets", "scripts", "util")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )
    code += "".join(content for page in PAGES for _, content in python_files(page))
    known = set(re.findall(r"^    (\w+): [\w |]+ = (?:flag|override)\(", code, re.M))
    known |= {name.removeprefix("--") for name in re.findall(r'"(--\w+)"', code)}
    known |= {name.removeprefix("--") for name in (*RENAMED, *REPLACED)}
    known |= {name.removeprefix("no_") for name in known} | {f"no_{name}" for name in known}
    others = {
        "help",
        "dataset",  # --dataset-path
        "extra",
        "no",
        "nproc_per_node",
        "nnodes",
        "standalone",
        "rdzv",
        "max",
        "logdir",
        "local",
        "version",
        "bind",
        "directory",
        *("gres", "cpus", "time", "signal", "open", "requeue", "job", "shm"),
    }  # of pip, torchrun, tensorboard, http.server, sbatch, docker
    for page in PAGES:
        for name in re.findall(r"(?<![\w-])--([a-zA-Z]\w*)", page.read_text(encoding="utf-8")):
            assert name in known | others, f"{page.name} speaks of --{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http", "mailto:")):
            continue
        file, _, heading = target.partition("#")
        path = (page.parent / file) if file else page
        assert path.exists(), target
        if heading:
            text = path.read_text(encoding="utf-8")
            titles = re.findall(r"^#+ (.+)$", text, re.M)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in slugs, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_documents_exist(page: Path) -> None:
    examples = {name for page in PAGES for name, _ in python_files(page)}
    text = page.read_text(encoding="utf-8")
    folders = "models|data|options|util|scripts|datasets|docs|tests"
    for name in re.findall(rf"`((?:{folders})/[\w/.]+\.\w+)`", text):
        assert name in examples or (ROOT / name).exists(), f"{page.name} names {name}"
