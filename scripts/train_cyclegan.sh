#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" train.py \
  --dataroot ./datasets/maps \
  --name maps_cyclegan \
  --model cycle_gan \
  --pool_size 50 \
  --no_dropout "$@"
