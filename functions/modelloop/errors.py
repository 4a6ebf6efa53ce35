"""One error tree, in words of the domain.

ModelloopError
├── RequestError             the caller can mend it (4xx)
│   ├── MalformedBodyError        400  not JSON, not the protocol
│   ├── InvalidValueError         422  a column or value, named with its row
│   │   └── MissingColumnsError       422  columns that the model needs and the request lacks
│   ├── NotFoundError             404  model, version, run
│   ├── ConflictError             409  somebody else was first
│   ├── TooLargeError             413  body, rows or answer over the cap
│   ├── UnsupportedMediaError     415  content type
│   └── NotReadyError             503  nothing serves yet
├── DatasetRejectedError     a table or spec that cannot be trained on
│   ├── SpecError                 model.yaml, with its line
│   └── FitRefusedError           what an estimator does not take
├── ArtifactRefusedError     a stored file is not what its digest or golden rows say
├── ExportMismatchError      the serving engine does not reproduce the estimator
└── TransientError           try again: throttled, timed out, unavailable
"""

from __future__ import annotations


class ModelloopError(Exception):
    """The root: a message for a person, and where it points."""

    status = 500
    code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, field: str | None = None, row: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.row = row

    def body(self) -> dict[str, str | int | None]:
        """Return the one JSON form that every failed request answers with; a lone surrogate becomes a question mark."""
        message = self.message.encode("utf-8", "replace").decode()
        return {
            "error": message.replace("\n", " "),
            "error_code": self.code,
            "message": message,
            "field": None if self.field is None else self.field.encode("utf-8", "replace").decode(),
            "row": self.row,
        }


class RequestError(ModelloopError):
    """The caller can mend it."""

    status = 400
    code = "BAD_REQUEST"


class MalformedBodyError(RequestError):
    """The body is not JSON, or not a document of the protocol."""


class InvalidValueError(RequestError):
    """A value or column that the model's schema does not take."""

    status = 422
    code = "INVALID_PARAMETER_VALUE"


class MissingColumnsError(InvalidValueError):
    """Columns that the model needs and a request lacks: the message names all of them, however long it gets."""


class NotFoundError(RequestError):
    """No such model, version, run or prediction."""

    status = 404
    code = "RESOURCE_DOES_NOT_EXIST"


class ConflictError(RequestError):
    """A conditional write lost: somebody else was first."""

    status = 409
    code = "RESOURCE_CONFLICT"


class TooLargeError(RequestError):
    """A body, row count or answer over the cap."""

    status = 413
    code = "REQUEST_TOO_LARGE"


class UnsupportedMediaError(RequestError):
    """A content type that the route does not read."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class NotReadyError(RequestError):
    """The model exists, but nothing can serve it now."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"


class DatasetRejectedError(ModelloopError):
    """A table that cannot be trained on; the message says what to change."""

    status = 422
    code = "DATASET_REJECTED"


class SpecError(DatasetRejectedError):
    """A model.yaml that cannot be followed; the message names its line."""

    code = "SPEC_INVALID"


class FitRefusedError(DatasetRejectedError):
    """Rows, or the value of a parameter, that an estimator does not take."""


class ArtifactRefusedError(ModelloopError):
    """A stored file is not what its size, digest or golden rows say."""

    code = "ARTIFACT_REFUSED"


class ExportMismatchError(ModelloopError):
    """The serving engine does not reproduce the fitted estimator."""

    code = "EXPORT_MISMATCH"


class TransientError(ModelloopError):
    """A throttle, timeout or outage; the event will be delivered again."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"
