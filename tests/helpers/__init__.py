"""Data, runs, pages and servers that several tests use."""
