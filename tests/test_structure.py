"""Layers point one way, and no flag is dead."""

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

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "options": {"options"},
    "util": {"options", "util"},
    "data": {"options", "util", "data"},
    "models": {"options", "util", "models"},
}
SOURCES = [path for layer in ALLOWED for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layers_import_only_what_lies_below_them(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    ours = imports(path) & {*ALLOWED, "train", "test", "scripts"}
    assert ours <= ALLOWED[layer]


def test_options_need_nothing_but_the_standard_library() -> None:
    heavy = {"torch", "torchvision", "numpy", "PIL", "visdom", "dominate", "skimage", "tqdm"}
    for path in sorted((ROOT / "options").glob("*.py")):
        assert not imports(path) & heavy


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
