"""Parts of scripts/dev/quality_benchmark.py: recipes of trainings, their runs, and the report."""
