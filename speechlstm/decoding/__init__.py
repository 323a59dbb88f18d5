"""From log_probs to words."""
