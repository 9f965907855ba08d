"""Pages on which people look at results: many examples, side by side, to sort, filter and compare."""

from __future__ import annotations

from util.pages.gallery.content import Column, Example, Picture
from util.pages.gallery.page import address, write_gallery

__all__ = ["Column", "Example", "Picture", "address", "write_gallery"]
