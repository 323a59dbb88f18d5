"""How good a recogniser is, and which settings make it best."""
