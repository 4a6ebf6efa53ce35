"""What was asked and answered, kept, read back and erased."""
