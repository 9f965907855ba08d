"""Checkpoint folders: file names, the resumable state, saving in the background."""
