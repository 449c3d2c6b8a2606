"""How the study models were made: a grammar of everyday English, PyTorch, and what was measured.
The app never needs it.
"""
