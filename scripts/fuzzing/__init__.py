"""Damaged and hostile inputs for every loader: see scripts/fuzz.py."""
