"""SHAP values of the flat forms: path-dependent for trees, by the covers that a bundle holds.

Nothing on the way to a first answer imports this package; a request with `explain: "shap"` does.
"""
