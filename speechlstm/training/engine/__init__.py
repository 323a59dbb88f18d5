"""What the training of every network shares: loop, run folder, checkpoint, optimizer, devices."""
