#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" train.py \
  --dataroot ./datasets/facades \
  --name facades_pix2pix \
  --model pix2pix \
  --netG unet_256 \
  --direction BtoA \
  --lambda_L1 100 \
  --dataset_mode aligned \
  --norm batch \
  --pool_size 0 "$@"
