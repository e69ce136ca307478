"""What a face service can do wrong. No gRPC."""


class FaceError(Exception):
    """The face service answered, but not with a face. The message says what to do."""

    kind = "broken"
