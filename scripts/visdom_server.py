"""Starts visdom's server for this machine alone, with a page that works offline too:
python scripts/visdom_server.py --port 8097
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import run_command
from util.logs.visdom import server as visdom_server
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Serves until a signal ends it; returns the exit status."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("--port", type=int, default=8097, help="port to listen on")
    add("--env_path", help="folder of saved environments (default: visdom's own, ~/.visdom)")
    add("--download_seconds", type=float, default=20.0, help="time limit of visdom's own download of its page, in seconds; 0 skips it")
    # fmt: on
    options = parser.parse_args(argv)
    visdom_server.serve(
        options.port, env_path=options.env_path, download_seconds=options.download_seconds
    )
    return 0


if __name__ == "__main__":
    run_command(main)
