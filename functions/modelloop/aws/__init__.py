"""The only place that calls AWS."""
