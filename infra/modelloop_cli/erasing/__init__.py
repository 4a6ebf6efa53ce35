"""Erase what is stored of a prediction, with the caller's own identity."""
