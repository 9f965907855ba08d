#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" train.py \
  --dataroot ./datasets/colorization \
  --name color_pix2pix \
  --model colorization "$@"
