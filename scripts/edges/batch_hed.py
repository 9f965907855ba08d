"""The original code's entry point for edges. Its network (HED) ran in Caffe, which is not used any more.

Draws Canny's edges of --images_dir into --hed_mat_dir, as PNG files that need no PostprocessHED.m; other flags than these
two are accepted and play no part. scripts/edges/batch_edges.py does the same with more flags.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.edges import batch_edges
from util.errors import run_command
from util.script_parser import script_parser


def main(argv: Sequence[str]) -> int:
    words = script_parser(__doc__)
    words.add_argument("--images_dir", required=True, help="photographs")
    words.add_argument("--hed_mat_dir", required=True, help="edges are written here")
    for flag in ("--caffe_root", "--caffemodel", "--prototxt", "--border", "--gpu_id"):
        words.add_argument(flag, help="not used any more")
    options = words.parse_args(argv)
    print(
        "note: HED needed Caffe and is not used any more: these are Canny's edges. For soft edges of a HED elsewhere, "
        "see --soft_dir of scripts/edges/batch_edges.py"
    )
    return batch_edges.main(
        [f"--images_dir={options.images_dir}", f"--edge_dir={options.hed_mat_dir}"]
    )


if __name__ == "__main__":
    run_command(main)
