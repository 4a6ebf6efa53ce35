"""Queued runs to evaluated, proven, published versions."""
