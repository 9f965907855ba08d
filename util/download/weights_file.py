"""Whether a .pth of unknown origin holds plain weights and nothing else."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

from util.download.unpack import DAMAGED, UNREADABLE, ArchiveError

LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # first bytes of a .pth before torch 1.6


def check_weights(path: Path) -> bool:
    """True for a state dict, a dict of tensors; without torch False, after a check of the form.

    Raises: ArchiveError if it is damaged or anything else. Nothing in it is run.
    """
    with open(path, "rb") as file:
        start = file.read(len(LEGACY_TORCH))
    if start.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                packed = any(
                    info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()
                )
                if packed or archive.testzip():
                    raise ArchiveError(f"{path.name} is damaged")
        except DAMAGED + UNREADABLE as error:
            raise ArchiveError(f"{path.name} is damaged or cut short ({error})") from error
    elif start != LEGACY_TORCH:
        raise ArchiveError(f"not a file of torch.save: it begins with {start!r}")
    try:
        import torch
    except (ImportError, OSError):
        return False
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's own words advise to load it unsafely
        raise ArchiveError(
            "torch does not load it as plain weights: it is damaged, or would run code and was refused"
        ) from error
    except Exception as error:  # torch raises many kinds for a bad file
        reason = str(error).strip().split("\n")[0]
        raise ArchiveError(f"torch does not load it as plain weights ({reason})") from error
    if not (isinstance(weights, dict) and weights):
        found = f"a {type(weights).__name__}" if weights != {} else "an empty dict"
        raise ArchiveError(f"it holds {found}, not a dict of tensors")
    for key, value in weights.items():
        if not isinstance(value, torch.Tensor):
            raise ArchiveError(f"{key!r} in it is a {type(value).__name__}, not a tensor")
    return True
