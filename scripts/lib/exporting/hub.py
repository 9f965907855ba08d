"""Uploading an export to the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from util.errors import InputError


def require_hub(repository: str) -> None:
    """Raises: InputError when uploading will not be possible, before any work is done."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise InputError(f"--push_to_hub {repository!r} is not USER/REPOSITORY")
    try:
        import huggingface_hub
    except ImportError:
        raise InputError(
            "--push_to_hub needs another package: pip install huggingface_hub"
        ) from None
    if not huggingface_hub.get_token():
        raise InputError("--push_to_hub needs you to be logged in: run `hf auth login` first")


def upload(folder: Path, repository: str) -> str:
    """Uploads what passed; returns the address. Raises: InputError when the hub refuses."""
    import huggingface_hub

    hub = huggingface_hub.HfApi()
    try:
        hub.create_repo(repository, exist_ok=True)
        hub.upload_folder(folder_path=folder, repo_id=repository, ignore_patterns=["*.failed.*"])
    except Exception as error:  # of several libraries, by version
        raise InputError(
            f"--push_to_hub {repository}: {error}\n{folder} is complete here"
        ) from None
    return str(hub.repo_info(repository).id)
