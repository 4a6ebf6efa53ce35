"""Captures and feedback to summaries, summaries to verdicts."""
