"""Edge drawings of a folder of photographs, black on white, such as edges2shoes was made of:
python scripts/edges/batch_edges.py --images_dir ./photos --edge_dir ./edges --pairs_dir ./datasets/edges2photos/train

Edges are Canny's. Soft edges of another detector (HED, say), as grey images or .mat files, are turned into lines by
--soft_dir in place of --images_dir. --pairs_dir: edges left, photo right, ready for training.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    """Draws the edges; returns the exit status."""
    options = parse(argv)
    from scripts.edges.drawing import draw_edges

    return draw_edges(options)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Exits with status 2 where flags are missing or contradict each other."""
    words = script_parser(__doc__)
    words.add_argument("--images_dir", type=Path, help="photographs")
    words.add_argument("--soft_dir", type=Path, help="soft edges: grey images (white = edge), .mat")
    words.add_argument("--edge_dir", type=Path, required=True, help="edges are written here")
    words.add_argument("--pairs_dir", type=Path, help="pairs are written here, too")
    words.add_argument("--image_width", type=int, help="resizes to this width and height first")
    words.add_argument("--sigma", type=float, default=2.0, help="Canny: smoothing, pixels")
    words.add_argument("--low", type=float, default=0.05, help="Canny: gradient going on")
    words.add_argument("--high", type=float, default=0.15, help="Canny: gradient beginning")
    words.add_argument("--threshold", type=float, default=25 / 255, help="of soft edges, 0 to 1")
    words.add_argument(
        "--small_edge", type=int, default=5, help="pixels of the smallest piece kept"
    )
    options = words.parse_args(argv)
    if not (options.images_dir or options.soft_dir):
        words.error("--images_dir or --soft_dir is missing")
    if not (0 <= options.low <= options.high <= 1 and 0 <= options.threshold <= 1):
        words.error("--low, --high and --threshold go from 0 to 1, and --low is not above --high")
    if not (options.sigma >= 0 and (options.image_width or 1) >= 1):
        words.error("--sigma must be 0 or more, --image_width above 0")
    return options


if __name__ == "__main__":
    run_command(main)
