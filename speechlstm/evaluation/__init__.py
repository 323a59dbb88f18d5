"""Evaluation of recognisers, and tuning of their decoders."""
