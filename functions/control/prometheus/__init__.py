"""The state of every model as Prometheus text."""
