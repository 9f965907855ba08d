"""Trained generators applied to data sets, files and arrays."""
