"""Corpora: manifests of recordings with their transcripts, their checks and splits."""
