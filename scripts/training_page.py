"""Makes the training page of a run anew, from its metrics.jsonl and images: python scripts/training_page.py NAME

A training does that by itself; this is for a page that is lost, or was switched off by --no_html.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import InputError, run_command
from util.logs.records import FILE
from util.logs.training_page.earlier import rebuild
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    words = script_parser(__doc__)
    words.add_argument("name", metavar="NAME", help="of the run")
    words.add_argument("--checkpoints_dir", type=Path, default=Path("checkpoints"))
    options = words.parse_args(argv)
    folder = options.checkpoints_dir / options.name
    page = folder / "web/index.html"
    try:
        data = folder / "web/data/now.js"
        if (
            data.exists()
            and time.time() - data.stat().st_mtime < 60
            and '"ending": ""' in data.read_text()
        ):
            raise InputError(
                f"{options.name} is being trained, and its page is kept by that: {page}"
            )
        rebuild(folder)
    except OSError as error:
        raise InputError(f"cannot read {folder / FILE}: {error.strerror}") from None
    print(f"see {page}")
    return 0


if __name__ == "__main__":
    run_command(main)
