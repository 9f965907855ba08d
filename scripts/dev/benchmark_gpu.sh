#!/usr/bin/env bash
# All tables of docs/performance.md that need an NVIDIA GPU: bash scripts/dev/benchmark_gpu.sh [GPU] > gpu.md
# Meant for at most eight minutes on an H100. PYTHON= chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/../.."
GPU="${1:-0}"
if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3
  if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi
"$PYTHON" -c 'import torch, sys; sys.exit(not torch.cuda.is_available() and "PyTorch sees no NVIDIA GPU here")'

"$PYTHON" -c 'import dominate' 2>/dev/null ||
  echo "dominate is not installed, which benchmark.py test and save need: pip install -r requirements.txt" >&2

measure() {
  echo
  echo "\`python scripts/dev/$*\`"
  echo
  "$PYTHON" scripts/dev/"$@" --gpu_ids "$GPU" || echo "failed with status $?"
}

echo "## Do recorded steps and fused layers train as ordinary ones do?"
echo
TESTS="tests/models/test_gpu_layers.py tests/models/test_fused.py tests/models/test_graphs.py"
if ! "$PYTHON" -c 'import pytest' 2>/dev/null; then
  echo "not tried: pip install -r requirements-dev.txt brings what the tests need"
else
  # Without conftest.py, which needs everything that is in requirements-dev.txt.
  PYTHONPATH=tests CUDA_VISIBLE_DEVICES="$GPU" "$PYTHON" -m pytest -q --noconftest -p no:cacheprovider -W default --tb=short \
    $TESTS -k "network or features or rows or (gpu and dtype0) or bits or graphs_train" || echo "some tests failed"
fi

echo
echo "## Steps"
measure benchmark.py train --model pix2pix --batch_size 1 4 16 --repeats 4
measure benchmark.py train --model cycle_gan --batch_size 1 4 --repeats 3
measure benchmark.py train --model cut --repeats 3

echo
echo "## Kernels, and what each part brings; shares of a matrix product's speed and of a copy's"
measure profile_steps.py --model pix2pix --batch_size 1 --parts today fused all --kernels today all
measure profile_steps.py --model pix2pix --batch_size 16 --parts today all --kernels all
measure profile_steps.py --model cycle_gan --batch_size 1 --parts today fused fused_casts all_but_streams all --kernels today all_but_streams
measure profile_steps.py --model cycle_gan --batch_size 4 --parts today all --kernels all
measure profile_steps.py --model cycle_gan --batch_size 16 --parts all --kernels --repeats 2
measure profile_steps.py --model cut --parts today all --kernels all
measure profile_steps.py --model fastcut --parts today all --kernels all
measure benchmark.py train --model pix2pix cycle_gan --repeats 4 --precision fp32

echo
echo "## Loading, testing, saving"
measure benchmark.py data --num_threads 8 --batch_size 1 16
measure benchmark.py test
measure benchmark.py save --model pix2pix cycle_gan
