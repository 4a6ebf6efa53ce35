"""From captures to summaries, and from summaries to verdicts."""
