"""Runs that older versions have left."""
