"""A count on the terminal for the slow loops."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def progress(items: Sequence[T], what: str) -> Iterator[T]:
    """The items, counted on standard error; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    try:
        from tqdm import tqdm
    except ImportError:
        for done, item in enumerate(items, start=1):
            yield item
            print(f"\r{what}: {done}/{len(items)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    else:
        yield from tqdm(items, desc=what, unit="pair", leave=False)
