"""Checks of a data set: quick ones for every training, thorough ones for scripts/check_dataset.py."""
