"""Estimator families: how each is built on encoded vectors, what is searched, and what serving must reproduce."""
