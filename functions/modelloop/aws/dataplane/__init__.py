"""AWS on the path of a prediction, where an SDK would cost too long an import."""
