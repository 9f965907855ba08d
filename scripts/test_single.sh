#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" test.py \
  --dataroot ./datasets/facades/testB/ \
  --name facades_pix2pix \
  --model test \
  --netG unet_256 \
  --direction BtoA \
  --dataset_mode single \
  --norm batch "$@"
