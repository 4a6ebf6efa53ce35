"""model.yaml: what a person may ask of a model."""
