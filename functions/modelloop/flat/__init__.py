"""The flat engine: exact evaluation of compiled models with the standard library alone.

A flat document is plain JSON made from a fitted estimator by `trainer.export.flatten`. Loading it costs milliseconds
and no third-party import; predictions equal the estimator's bit for bit (trees) or within rounding (linear).
"""

from modelloop.flat.model import Contributions, FlatModel, Outputs, load

__all__ = ["Contributions", "FlatModel", "Outputs", "load"]
