#!/usr/bin/env bash
# Downloads a paired data set of the pix2pix paper into datasets/NAME.
#     bash ./datasets/download_pix2pix_dataset.sh NAME
# Without NAME it lists the names; --help tells the options. PYTHON names another Python.
set -eu
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3
exec "${PYTHON:-$python}" "$root/util/download" pix2pix_dataset "$@"
