"""What can go wrong, one class per status. SPDX-License-Identifier: Apache-2.0"""

from __future__ import annotations

from typing import Dict, Optional, Type


class LstmdError(Exception):
    """An answer that is an error; str() is the server's sentence, which says what to do."""

    status: int = 0
    """The HTTP status; 0 if there was no answer."""

    def __init__(self, message: str, status: Optional[int] = None,
                 retry_after: Optional[float] = None, request_id: Optional[str] = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status
        self.retry_after = retry_after
        """Seconds after which the server asks to be tried again, if it said so."""
        self.request_id = request_id
        """X-Request-Id, by which the server's log has this request."""


class ConnectionFailed(LstmdError):
    """No answer: no connection, or it broke. A train-step or a session's piece may be applied."""


class TimedOut(ConnectionFailed):
    """No answer within the client's timeout."""


class BadRequest(LstmdError):
    """Malformed, or of a wrong shape."""

    status = 400


class Unauthorized(LstmdError):
    """No API key, or one that the server does not know."""

    status = 401


class Forbidden(LstmdError):
    """The API key lacks the scope, or training is off."""

    status = 403


class NotFound(LstmdError):
    """No such model, version, label or session, or it does not live any more."""

    status = 404


class MethodNotAllowed(LstmdError):
    """The route exists, with another method."""

    status = 405


class ReceiveTimeout(LstmdError):
    """The request took too long to arrive."""

    status = 408


class Conflict(LstmdError):
    """The session's id is taken or it is busy; there is nothing to publish."""

    status = 409


class LengthRequired(LstmdError):
    """The request does not say how long it is."""

    status = 411


class BodyTooLarge(LstmdError):
    """The body is longer than the server takes."""

    status = 413


class UnsupportedMediaType(LstmdError):
    """The body is of a type that the server does not take."""

    status = 415


class TooManyRequests(LstmdError):
    """More requests than this client may send."""

    status = 429


class HeaderTooLarge(LstmdError):
    """The header is too long: too many labels beside raw numbers."""

    status = 431


class ServerError(LstmdError):
    """The server failed: memory, disk, a model whose output is not finite."""

    status = 500


class Unavailable(LstmdError):
    """The queue is full, or the server is starting or stopping; nothing was applied."""

    status = 503


class DeadlinePassed(LstmdError):
    """The request's time was over before it was computed; nothing was applied."""

    status = 504


class NoSpace(LstmdError):
    """The server's disk is full; nothing was applied."""

    status = 507


_classes: Dict[int, Type[LstmdError]] = {
    kind.status: kind for kind in LstmdError.__subclasses__() if kind.status != 0}


def error_of(status: int, message: str, retry_after: Optional[float],
             request_id: Optional[str]) -> LstmdError:
    """The error that stands for an answer; of a status without a class: ServerError from 500 on,
    else LstmdError."""
    kind = _classes.get(status, ServerError if status >= 500 else LstmdError)
    return kind(message, status, retry_after, request_id)
