"""Batches: order, collation, loader processes."""
