"""checkpoints/index.html, the page of all runs: a shell, a list of folders, and beside each run's page a summary of it.

    checkpoints/index.html                  the shell: all styles and scripts, no content (shell.py)
    checkpoints/runs.js                     which folders are runs (folders.py)
    checkpoints/NAME/web/data/summary.js    state, best scores, options and newest images of a run (summary.py)

Trainings keep it (sink.py), each its own summary, so that several may run at once. Curves come from the data of the
runs' own pages. Opened from disk, the page runs all of these as scripts.
"""
