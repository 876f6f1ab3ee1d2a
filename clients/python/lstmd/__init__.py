"""Client of lstmd, an inference server for LSTMs. SPDX-License-Identifier: Apache-2.0

    from lstmd import Client

    with Client("http://127.0.0.1:8501") as client:
        probabilities = client.predict("mnist", pixels)[0]
"""

from .client import Client
from .errors import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    ConnectionFailed,
    DeadlinePassed,
    Forbidden,
    HeaderTooLarge,
    LengthRequired,
    LstmdError,
    MethodNotAllowed,
    NoSpace,
    NotFound,
    ReceiveTimeout,
    ServerError,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from .session import Session

__all__ = [
    "BadRequest",
    "BodyTooLarge",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "DeadlinePassed",
    "Forbidden",
    "HeaderTooLarge",
    "LengthRequired",
    "LstmdError",
    "MethodNotAllowed",
    "NoSpace",
    "NotFound",
    "ReceiveTimeout",
    "ServerError",
    "Session",
    "TimedOut",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMediaType",
]
