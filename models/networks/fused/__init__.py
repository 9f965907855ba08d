"""Layers that run in groups on an NVIDIA GPU: layers.py walks a network, operation.py is what a group becomes."""
