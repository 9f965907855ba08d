#!/usr/bin/env bash
# Further flags are handed on and win.
set -e
exec "${PYTHON:-python}" test.py \
  --dataroot ./datasets/maps \
  --name maps_cyclegan \
  --model cycle_gan \
  --phase test \
  --no_dropout "$@"
