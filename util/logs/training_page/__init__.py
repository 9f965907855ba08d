"""web/index.html, the page of a training: a shell written once, and beside it data that grow.

    web/index.html         the shell: all styles and scripts, no content (shell.py)
    web/data/run.js        what the run is: name, options
    web/data/00000.js      events 0 to 499: losses, scores, health, and which images there are; final once full (stream.py)
    web/data/now.js        how many events there are, when that was written, and how the run has ended
    web/images/            the images themselves

A page opened from disk may not read files, but it may run scripts that lie beside it: so data are calls of functions of
the page. It runs now.js again every few seconds and then what is new; an update writes two small files, however long the run.
"""
