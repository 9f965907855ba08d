#!/usr/bin/env bash
# All tables of docs/performance.md that need an NVIDIA GPU: bash scripts/dev/benchmark_gpu.sh [GPU] > gpu.md
# About ten minutes on a fast card, and longer for --compile. PYTHON= chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/../.."
GPU="${1:-0}"
if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3
  if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi
"$PYTHON" -c 'import torch, sys; sys.exit(not torch.cuda.is_available() and "PyTorch sees no NVIDIA GPU here")'

bench() {
  echo
  echo "\`python scripts/dev/benchmark.py $*\`"
  echo
  "$PYTHON" scripts/dev/benchmark.py "$@" --gpu_ids "$GPU" || echo "failed with status $?"
}

echo "## Do recorded steps train as ordinary ones do?"
echo
CUDA_VISIBLE_DEVICES="$GPU" "$PYTHON" -m pytest -q tests/system/test_gpu.py tests/models/test_gpu_layers.py tests/models/test_graphs.py tests/models/test_precision.py tests/models/test_golden.py || echo "some tests failed"

echo
echo "## Steps"
for batch in 1 4 16; do bench train --model pix2pix --batch_size "$batch" --repeats 10; done
for batch in 1 4 16; do bench train --model cycle_gan --batch_size "$batch" --repeats 5; done

echo
echo "## What each part brings, batch 1"
bench train --repeats 6 --precision fp32
bench train --repeats 6 --precision fp16
bench train --repeats 6 --no_cuda_graphs
bench train --repeats 6 --contiguous
bench train --repeats 6 --compile  # takes minutes before it prints anything

echo
echo "## Loading, testing, saving"
bench data --num_threads 1 --batch_size 1
bench data --num_threads 8 --batch_size 16
bench test
bench test --ngf 16
bench save
