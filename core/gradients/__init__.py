"""Gradients: where the way back begins (start), what it leaves (result), those of the learned
numbers (weights). The way itself is core/backward.py.
"""
