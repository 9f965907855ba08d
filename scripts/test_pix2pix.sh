#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" test.py \
  --dataroot ./datasets/facades \
  --name facades_pix2pix \
  --model pix2pix \
  --netG unet_256 \
  --direction BtoA \
  --dataset_mode aligned \
  --norm batch "$@"
