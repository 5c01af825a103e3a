"""What may go wrong with a request, as the rest of the helper sees it. Their messages are sentences for users."""

from __future__ import annotations


class TroubleError(Exception):
    """It did not work now; it is tried again."""

    def __init__(self, message: str, *, status: int = 0, pause: float = 0.0) -> None:
        super().__init__(message)
        self.status = status  # of HTTP; 0: there was no answer
        self.pause = pause  # seconds that the server asks us to wait


class HopelessError(Exception):
    """It can never work."""


class GoneError(HopelessError):
    """The pod is no more."""
