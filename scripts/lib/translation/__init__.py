"""What scripts/translate.py is made of: which file becomes which, and videos."""
