"""What scripts/evaluate.py is made of: finding results, measuring, comparing, reporting."""
