"""What is said, as text: normalised, spelled with an alphabet, pronounced."""
