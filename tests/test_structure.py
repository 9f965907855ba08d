"""Layers and rooms point one way, nothing is there for nobody, and no flag is dead."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from data import DATASETS, find_dataset
from models import MODELS, find_model
from options.flags import flags_of
from options.registry import find_class
from options.test_options import TestOptions
from options.train_options import TrainOptions
from scripts.dev.count import (
    between_rooms,
    circles,
    entries,
    imported,
    imported_anywhere,
    modules,
)

ROOT = Path(__file__).parent.parent
MODULES = modules(ROOT)
ALLOWED = {
    "options": {"options"},
    "util": {"options", "util"},
    "data": {"options", "util", "data"},
    "models": {"options", "util", "models"},
}
# room -> rooms and files of its layer that it may import
ROOMS = {
    "models/networks": set(),
    "models/losses": set(),
    "models/engine": set(),
    "models/tiling": {"models/networks"},
}
# room -> folders that it may not import
FORBIDDEN = {
    "models/inference": {"models/training"},
    "util/logs": {"util/pages"},
    "util/pages": {"util/logs"},
    "data/loading": {"data/checks"},
    "data/files": {"data/loading", "data/checks"},
}
SOURCES = [path for layer in ALLOWED for path in sorted((ROOT / layer).rglob("*.py"))]
MOST_ENTRIES = 15


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def rooms_below(name: str) -> set[str]:
    """The rooms and files of its layer that a room imports at any time."""
    files = [path for path in SOURCES if room(path) == name]
    found = {room(MODULES[other]) for path in files for other in imported_anywhere(path, MODULES)}
    return {other for other in found if other.startswith(name.split("/")[0] + "/")} - {name}


def packages(path: Path) -> set[str]:
    """Top-level packages of anybody's that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def room(path: Path) -> str:
    return "/".join(path.relative_to(ROOT).with_suffix("").parts[:2])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layers_import_only_what_lies_below_them(path: Path) -> None:
    ours = {layer_of(MODULES[name]) for name in imported_anywhere(path, MODULES)}
    assert ours <= ALLOWED[layer_of(path)]


@pytest.mark.parametrize("name", ROOMS)
def test_what_others_stand_on_imports_no_other_room(name) -> None:
    assert rooms_below(name) <= ROOMS[name]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_rooms_beside_each_other_do_not_know_each_other(name) -> None:
    assert not rooms_below(name) & FORBIDDEN[name]


def test_no_files_import_each_other_in_a_circle() -> None:
    assert not circles({name: imported(path, MODULES) for name, path in MODULES.items()})


def test_rooms_import_one_way() -> None:
    assert not circles(between_rooms(ROOT))


def test_a_folder_shows_no_more_than_the_eye_takes_in() -> None:
    folders = {path.parent for path in SOURCES}
    crowded = {folder: entries(folder) for folder in folders if entries(folder) > MOST_ENTRIES}
    assert not crowded


def test_every_module_is_imported_or_started_by_somebody() -> None:
    used = set().union(*(imported_anywhere(path, MODULES) for path in MODULES.values()))
    for name in {*MODULES} - used:
        path = MODULES[name]
        found_by_name = re.fullmatch(r"\w+_(model|dataset)\.py", path.name)
        started = 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
        started |= f'build-backend = "{path.stem}"' in (ROOT / "pyproject.toml").read_text()
        assert found_by_name or started or path.name == "__init__.py", f"nobody imports {name}"


def test_options_need_nothing_but_the_standard_library() -> None:
    heavy = {"torch", "torchvision", "numpy", "PIL", "visdom", "dominate", "skimage", "tqdm"}
    for path in sorted((ROOT / "options").glob("*.py")):
        assert not packages(path) & heavy


def test_every_flag_is_read_somewhere() -> None:
    groups = [find_model(name).Options for name in MODELS]
    groups += [find_dataset(name).Options for name in DATASETS]
    groups += [*TrainOptions.groups().values(), *TestOptions.groups().values()]
    names = {name for group in groups for name in flags_of(group)}
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in [*SOURCES, ROOT / "train.py", ROOT / "test.py"]
    )
    dead = {name for name in names if not re.search(rf"\.{name}\b", code)}
    assert not dead


def test_a_subclass_of_a_shipped_model_is_the_one_that_is_built(tmp_path, monkeypatch) -> None:
    import models
    from models.pix2pix_model import Pix2PixOptions

    (tmp_path / "mine_model.py").write_text(
        "from models.pix2pix_model import Pix2PixModel\nclass MineModel(Pix2PixModel):\n    pass\n"
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    tiny = {"ngf": 1, "netG": "resnet_6blocks"}
    assert type(models.create_model(Pix2PixOptions(model="mine", **tiny))).__name__ == "MineModel"
    assert type(models.create_model(Pix2PixOptions(**tiny))).__name__ == "Pix2PixModel"


def test_a_file_dropped_beside_ours_is_found_by_name(tmp_path, monkeypatch) -> None:
    import models

    (tmp_path / "my_own_model.py").write_text(
        "from models.template_model import TemplateModel\nclass MyOwnModel(TemplateModel):\n    pass\n"
    )
    (tmp_path / "empty_model.py").write_text("")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    assert find_class("models", "model", "my_own", MODELS).__name__ == "MyOwnModel"
    with pytest.raises(ValueError, match=r"empty_model\.py has no complete class named emptymodel"):
        find_class("models", "model", "empty", MODELS)
