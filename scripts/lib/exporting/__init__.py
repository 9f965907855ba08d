"""Generators as files for other programs, and whether those files give what the generators give."""
