"""Recordings and what is said in them: manifests, their checks and splits."""
