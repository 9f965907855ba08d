"""What scripts/dev/quality_benchmark.py is made of: what is trained, how it is run, what is written about it."""
