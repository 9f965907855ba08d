"""Where the pictures of prepare.py come from and how they are cut, split and laid out."""
