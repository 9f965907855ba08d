"""Start visdom's server for this machine only, with its page working offline too.

Example: python scripts/visdom_server.py --port 8097
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from util.errors import run_command
from util.logs.visdom import server as visdom_server


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8097, help="port to listen on")
    parser.add_argument(
        "--env_path", help="folder of saved environments (default: visdom's own, ~/.visdom)"
    )
    parser.add_argument(
        "--download_seconds",
        type=float,
        default=20,
        help="time limit of visdom's own download of its page, in seconds; 0 skips it",
    )
    options = parser.parse_args(argv)
    visdom_server.serve(
        options.port, env_path=options.env_path, download_seconds=options.download_seconds
    )
    return 0


if __name__ == "__main__":
    run_command(main)
