"""Other programs that compute the outputs of a model's layers; Glassformer computes all else, and
each layer that is looked at, itself (core/models/engines.py). Optional: requirements-engine.txt.
"""
