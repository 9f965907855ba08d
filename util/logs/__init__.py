"""Logs of a run: console, files, pages, trackers."""
