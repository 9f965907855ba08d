"""Curves of losses: reading them from logs of all kinds, and drawing them."""
