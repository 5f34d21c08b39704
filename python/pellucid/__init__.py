"""Pellucid: what a neural network saw, where, and how far the answer can be trusted."""

__version__ = "0.1.0"
