"""How large the code is, and how many files one has to open: python scripts/dev/count.py [FOLDER OF ANOTHER VERSION ...]

Prints a table with a column for each folder, this repository's last, and which files are crossed. Files crossed are those of our own whose functions run
while a tiny CycleGAN takes a step, or test.py translates an image.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

LAYERS = ("options", "util", "data", "models")
PRODUCT = (*LAYERS, "scripts", "datasets")
SMALL = "--gpu_ids -1 --load_size 32 --crop_size 32 --num_threads 0 --ngf 2 --netG resnet_6blocks --name n"
TRAINING = "--model cycle_gan --ndf 2 --n_epochs 1 --n_epochs_decay 0 --display_id -1 --no_html --checkpoints_dir"

Graph = Mapping[str, set[str]]


def product_files(root: Path) -> list[Path]:
    """Lists what users run: all but the tests."""
    folders = [file for name in PRODUCT for file in sorted((root / name).rglob("*.py"))]
    return [*folders, root / "train.py", root / "test.py"]


def modules(root: Path) -> dict[str, Path]:
    """Finds the name by which each file is imported."""
    names = {}
    for file in product_files(root):
        parts = file.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        # datasets/ is a folder of scripts, which find sources/ beside them
        names[".".join(parts).removeprefix("datasets.")] = file
    return names


def imported(file: Path, known: Mapping[str, Path]) -> set[str]:
    """Finds which of our modules are imported when this file is: not for its types, nor later, in a function."""
    return _imported(_run_at_import(ast.parse(file.read_text(encoding="utf-8"))), known)


def imported_anywhere(file: Path, known: Mapping[str, Path]) -> set[str]:
    """Finds which of our modules a file imports at any time."""
    return _imported(ast.walk(ast.parse(file.read_text(encoding="utf-8"))), known)


def _imported(nodes: Iterator[ast.AST], known: Mapping[str, Path]) -> set[str]:
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= parts & known.keys() or {node.module}
    return names & known.keys()


def _run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            nodes += ast.iter_child_nodes(node)


def room(file: Path, root: Path) -> str:
    """Names the folder within a layer, or the file itself where it lies in no folder of the layer."""
    parts = file.relative_to(root).with_suffix("").parts
    return "/".join(parts[:2])


def between_rooms(root: Path) -> dict[str, set[str]]:
    """Draws which room imports which others."""
    known = modules(root)
    graph: dict[str, set[str]] = {}
    for file in known.values():
        own = room(file, root)
        others = {room(known[name], root) for name in imported(file, known)}
        graph.setdefault(own, set()).update(others - {own})
    return graph


def circles(graph: Graph) -> set[str]:
    """Finds all that can be reached from itself."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [*graph.get(start, ())]
        while waiting:
            if (name := waiting.pop()) not in found:
                found.add(name)
                waiting += graph.get(name, ())
        return found

    return {name for name in graph if name in reached(name)}


def floors(graph: Graph) -> int:
    """Counts the rooms of the longest chain of imports; each circle is left where it closes."""

    def height(name: str, below: tuple[str, ...] = ()) -> int:
        if name not in heights:
            deeper = [
                height(other, (*below, name)) for other in graph.get(name, ()) if other not in below
            ]
            heights[name] = 1 + max(deeper, default=0)
        return heights[name]

    heights: dict[str, int] = {}
    return max((height(name) for name in graph), default=0)


def lines(files: list[Path]) -> int:
    """Counts all lines."""
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def entries(folder: Path) -> int:
    """Counts what a listing of a folder shows, without __init__.py."""
    return sum(not path.name.startswith(("__", ".")) for path in folder.iterdir())


class Crossed:
    """Our own files whose functions run, between moments that the functions called mark."""

    def __init__(self) -> None:
        self.root = str(Path.cwd())
        self.files: dict[str, None] = {}
        self.reading = False
        self.ways: dict[str, list[str]] = {}
        self.last_ways: dict[str, list[str]] = {}

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Notes a call; sys.setprofile calls it."""
        code = frame.f_code
        if not self._ours(frame) or code.co_name == "<module>":
            return
        file = code.co_filename[len(self.root) + 1 :]
        if event == "call":
            if not self.reading and code.co_name == "__getitem__" and file.startswith("data/"):
                # An image is asked for: by whom, one reads, too.
                self.reading, self.files = True, dict.fromkeys(self._stack(frame))
            if self.reading:
                self.files[file] = None
            if code.co_name == "train_step":
                self.ways["JPEG to train_step"] = [*self.files]
            if file == "models/losses.py":
                self.ways.setdefault("JPEG to the first loss", [*self.files])
        elif event == "return" and code.co_name == "train_step":
            self.ways["JPEG to the end of the step"] = [*self.files]
            # Only the last of several steps counts: the first ones prepare things.
            self.reading, self.last_ways, self.ways = False, self.ways, {}

    def _ours(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        return file.startswith(self.root) and file != __file__

    def _stack(self, frame: FrameType | None) -> Iterator[str]:
        while frame:
            if self._ours(frame):
                yield frame.f_code.co_filename[len(self.root) + 1 :]
            frame = frame.f_back


def profiled(crossed: Crossed, main: Callable[[list[str]], int], words: str) -> None:
    sys.setprofile(crossed.profile)
    status = main(words.split())
    sys.setprofile(None)
    assert status == 0, words


def trace() -> dict[str, list[str]]:
    """Trains and tests in the current folder's version; returns the files crossed, in their order."""
    sys.path.insert(0, str(Path.cwd()))
    from PIL import Image

    import test as test_script
    import train

    with tempfile.TemporaryDirectory() as folder:
        for name in ("trainA", "trainB", "testA"):
            (Path(folder) / name).mkdir()
            for i in range(3):
                image = Image.effect_noise((32, 32), 50 + i).convert("RGB")
                image.save(Path(folder) / name / f"{i}.jpg")
        step, page = Crossed(), Crossed()
        profiled(step, train.main, f"--dataroot {folder} {SMALL} {TRAINING} {folder}/runs")
        where = f"--dataroot {folder}/testA --checkpoints_dir {folder}/runs --results_dir {folder}/results"
        flags = "--model test --model_suffix _A --num_test 1"
        profiled(page, test_script.main, f"{where} {flags} {SMALL}")
    return {**step.last_ways, "test image to page": [*page.files]}


def count(root: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Measures one version; returns numbers, and files crossed."""
    product, tests = product_files(root), sorted((root / "tests").rglob("*.py"))
    known = modules(root)
    table = {
        "product: files": len(product),
        "product: lines": lines(product),
        "product: lines per file": round(lines(product) / len(product)),
        "tests: files": len(tests),
        "tests: lines": lines(tests),
        "own modules that train.py imports": len(imported(root / "train.py", known)),
        "rooms in circles": len(circles(between_rooms(root)) - {"train", "test"}),
        "floors of rooms": floors(between_rooms(root)),
    }
    for name in (*LAYERS, "scripts", "tests"):
        table[f"entries in {name}/"] = entries(root / name)
    command = [sys.executable, __file__, "--trace"]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    crossed = json.loads(done.stdout.splitlines()[-1])
    table |= {f"files crossed: {way}": len(files) for way, files in crossed.items()}
    return {name: f"{number:,}" for name, number in table.items()}, crossed


def main(words: list[str]) -> None:
    if words == ["--trace"]:
        print(json.dumps(trace()))
        return
    roots = [Path(word).resolve() for word in words] + [Path(__file__).resolve().parents[2]]
    tables, crossed = zip(*(count(root) for root in roots), strict=True)
    print("| | " + " | ".join(root.name for root in roots) + " |")
    print("|---" * (len(roots) + 1) + "|")
    for name in tables[-1]:
        print(f"| {name} | " + " | ".join(table.get(name, "") for table in tables) + " |")
    for way, files in crossed[-1].items():
        print(f"\n{way}: {', '.join(files)}")


if __name__ == "__main__":
    main(sys.argv[1:])
