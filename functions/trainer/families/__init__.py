"""Estimator families: how each is built on encoded vectors, what is searched, and what serving must reproduce."""

from trainer.families.catalogue import Family, build, families_for, settings_of
from trainer.families.model import Model

__all__ = ["Family", "Model", "build", "families_for", "settings_of"]
