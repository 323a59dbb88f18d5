"""What every training shares, whatever network learns."""
