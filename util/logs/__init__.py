"""Everything a run says: console, files, pages, trackers."""
