#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" test.py \
  --dataroot ./datasets/colorization \
  --name color_pix2pix \
  --model colorization "$@"
