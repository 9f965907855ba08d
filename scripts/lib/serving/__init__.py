"""A small HTTP service around a translator."""
