"""How good a fitted model is: metrics proper to its task, with the uncertainty that the holdout's size leaves."""
