#!/usr/bin/env bash
# Downloads a trained pix2pix generator into checkpoints/NAME_pretrained.
#     bash ./scripts/download_pix2pix_model.sh NAME
# Without NAME it lists the names; --help tells the options. PYTHON names another Python.
set -eu
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3
exec "${PYTHON:-$python}" "$root/util/download" pix2pix_model "$@"
