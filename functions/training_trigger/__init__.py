"""From an uploaded object or a retrain event to a validated, encoded table and exactly one queued run."""
