"""What a trained version is, and whether it may serve."""
