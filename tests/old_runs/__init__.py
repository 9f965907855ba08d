"""Runs that older code has left."""
