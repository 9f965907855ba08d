"""Views of a run, made from what it has logged: plots, a table, its page, visdom."""
