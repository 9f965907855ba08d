"""Parts of scripts/evaluate.py: finding results, measuring, comparing, reporting."""
