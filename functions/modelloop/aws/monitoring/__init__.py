"""Stored summaries, joined hours and the prediction index."""
