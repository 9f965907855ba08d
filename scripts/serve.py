"""A trained generator behind HTTP, for this machine only unless told otherwise: python scripts/serve.py --name N

POST an image to /translate, get a PNG back: curl -F image=@photo.jpg http://127.0.0.1:8000/translate -o result.png
docs/deploy.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.lib.generator_flags import add_device_flags, add_generator_flags
from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Serves until a signal ends it; returns the exit status."""
    options = build_parser().parse_args(argv)
    from scripts.lib.serving.command import serve

    return serve(options)


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add_generator_flags(parser)
    add_device_flags(parser)
    add("--host", default="127.0.0.1", help="address; 0.0.0.0 = reached from all")
    add("--allow_origin", action="append", default=[], metavar="URL", help="site whose pages may send images, such as https://site.example; * for all (default: none)")
    add("--port", type=int, default=8000, help="0 = any that is free")
    add("--batch_size", type=int, default=8, help="images that go together")
    add("--linger", type=float, default=2, help="milliseconds to wait for others")
    add("--queue", type=int, default=64, help="images that may wait")
    add("--timeout", type=float, default=30, help="seconds for the headers of a request, for all of it, and for its answer")
    add("--max_megabytes", type=float, default=20, help="of a request")
    add("--max_megapixels", type=float, default=4, help="of an image, as the network computes it: with its sides at multiples of the network's")
    # fmt: on
    return parser


if __name__ == "__main__":
    run_command(main)
