"""Why a captured line was put aside: few reasons, so that they can be counted apart; and whose line it was."""

from __future__ import annotations

NOT_JSON = "not_json"
OTHER_FORMAT = "other_format"
MALFORMED = "malformed"
UNKNOWN_MODEL = "unknown_model"
UNKNOWN_VERSION = "unknown_version"
UNFIT = "unfit_values"
DAMAGED = "damaged_object"
REASONS = (DAMAGED, MALFORMED, NOT_JSON, OTHER_FORMAT, UNFIT, UNKNOWN_MODEL, UNKNOWN_VERSION)

COUNTED = "quarantined"  # the name of the counts in a summary
NOBODY = "_"  # stands where a model's name would, for lines that name no model of ours; no model can be called so
