"""Recordings as batches."""
