"""What a recogniser's service can do wrong beyond what gRPC reports, and what of gRPC's reports is final."""

from __future__ import annotations

import grpc
import grpc.aio
from grpc import StatusCode

HOPELESS = frozenset({
    StatusCode.INVALID_ARGUMENT,
    StatusCode.NOT_FOUND,
    StatusCode.UNAUTHENTICATED,
    StatusCode.PERMISSION_DENIED,
    StatusCode.UNIMPLEMENTED,
    StatusCode.FAILED_PRECONDITION,
})  # fmt: skip
"""What trying again does not cure: a wrong setting or a missing right. Of a service that had worked before, it is a
sign that it is being started again."""


class RecognizerError(Exception):
    """The recogniser's service misbehaves in a way that gRPC does not report. The message is one line."""

    kind = "lost"


class RecognizerSilent(RecognizerError):
    """The service takes no sound, or gives no answer."""

    kind = "silent"


class RecognizerEnded(RecognizerError):
    """The service ended a stream that we wanted to go on."""


def in_a_line(error: Exception) -> str:
    """For the log, which holds no words: what a service says of an error may quote what it heard."""
    return error.code().name if isinstance(error, grpc.aio.AioRpcError) else str(error)


def first_of(errors: BaseExceptionGroup[Exception]) -> Exception:
    """The first error of the stream's two tasks; they fail for one reason."""
    for error in errors.exceptions:
        return first_of(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")
