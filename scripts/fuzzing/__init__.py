"""Damaged and deceptive inputs for every loader: see scripts/fuzz.py."""
