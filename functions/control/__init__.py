"""The control plane: models, versions, runs and what is done to them."""
