"""Command lines of scripts: what stands at the top of the file is their help."""

from __future__ import annotations

import argparse


def script_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser that shows the text in its own lines. Flags must be whole: a new one cannot change what an old line means."""
    return argparse.ArgumentParser(
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
