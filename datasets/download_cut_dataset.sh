#!/usr/bin/env bash
# Downloads an unpaired data set of the CycleGAN or the CUT paper into datasets/NAME.
#     bash ./datasets/download_cut_dataset.sh NAME
# Without NAME it lists the names; --help tells the options. PYTHON names another Python.
set -eu
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3
exec "${PYTHON:-$python}" "$root/util/download" cut_dataset "$@"
