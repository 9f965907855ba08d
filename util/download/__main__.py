"""python util/download KIND NAME: `main` of download.py. Run by its path, so that it works before anything is installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.download.download import main
from util.errors import run_command

if __name__ == "__main__":
    run_command(main)
