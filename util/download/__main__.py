"""python util/download KIND NAME: `main` of download.py, run by its path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.errors import run_command

try:
    from util.download.download import main
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: run pip install -r requirements.txt first")

if __name__ == "__main__":
    run_command(main)
