"""Sources of prepare.py's pictures, and how they are cut, split and laid out."""
