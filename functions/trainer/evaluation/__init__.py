"""How good a fitted model is: metrics proper to its task, with the uncertainty that the holdout's size leaves."""

from trainer.evaluation.bootstrap import compare, intervals
from trainer.evaluation.losses import row_losses
from trainer.evaluation.outcome import Outcome

__all__ = ["Outcome", "compare", "intervals", "row_losses"]
