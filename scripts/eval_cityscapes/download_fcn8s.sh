#!/usr/bin/env bash
# Fetched a Caffe model once; says what replaces it.
cat >&2 <<'END'
error: the FCN-8s model for Caffe is not used any more, and nothing was downloaded.
Photographs are segmented by a network of torchvision with your own weights:
    python scripts/eval_cityscapes/evaluate.py --cityscapes_dir DIR --result_dir DIR --output_dir DIR --weights FILE
Label maps need no network: --label_maps in place of --weights FILE. See docs/cityscapes.md.
END
exit 1
