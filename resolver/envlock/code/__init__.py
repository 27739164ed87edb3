"""What code asks of its packages, read from its syntax; nothing of it is run."""
