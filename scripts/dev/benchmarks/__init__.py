"""What scripts/dev/benchmark.py measures, each thing against a plain version of itself."""
