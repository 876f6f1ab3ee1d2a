"""A sequence that arrives in pieces. SPDX-License-Identifier: Apache-2.0"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Sequence, Type
from urllib.parse import quote

from .bodies import as_arrays, input_body, is_array, json_body
from .errors import LstmdError, NotFound

if TYPE_CHECKING:
    from .client import Client


class Session:
    """A session of the server, from Client.session() or Client.open_session().

    As a context manager it ends with its block. Pieces of one session run in the order in which
    they arrive: threads that share one must agree on that order. A piece that failed with an answer
    has changed nothing; after a ConnectionFailed, info() tells how many steps were applied.
    """

    def __init__(self, client: "Client", model: str, id: str) -> None:
        self._client = client
        self.model = model
        """The model's name, without a version."""
        self.id = id
        self._path = f"/v1/models/{quote(model, safe='')}/sessions/{quote(id, safe='')}"

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        try:
            self.delete()
        except NotFound:
            pass  # it has expired
        except LstmdError:
            if kind is None:
                raise

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self.model}>"

    def predict(self, piece: Any) -> Any:
        """The next piece, as Client.predict() takes it but one instance and maybe shorter.

        Returns what the model makes of all pieces so far: [1][outputs].
        """
        answer = self._post(":predict", input_body(piece, {}))
        values = answer["outputs"] if "outputs" in answer else answer["predictions"]
        return as_arrays(values) if is_array(piece) else values

    def state(self, piece: Any, *, trace: Optional[bool] = None, gates: Optional[bool] = None,
              predictions: Optional[bool] = None, state_is_tuple: Optional[bool] = None,
              layers: Optional[Sequence[int]] = None) -> Any:
        """The next piece and the states that it goes through, as Client.state() gives them."""
        answer = self._post(":state", input_body(piece, {
            "trace": trace, "gates": gates, "predictions": predictions,
            "state_is_tuple": state_is_tuple, "layers": layers}))
        return as_arrays(answer) if is_array(piece) else answer

    def get_state(self) -> Any:
        """{"state": {"c": [...], "h": [...]}, "steps": ..., "version": ...}"""
        return self._client.request("GET", f"{self._path}/state", is_safe=True).json()

    def set_state(self, state: Any, steps: Optional[int] = None) -> Any:
        """Sets the state; takes what get_state() returned as well as its "state" alone."""
        whole = dict(state) if isinstance(state, dict) and "state" in state else {"state": state}
        if steps is not None:
            whole["steps"] = steps
        return self._client.request("PUT", f"{self._path}/state", json_body(whole)).json()

    def fork(self, id: Optional[str] = None) -> "Session":
        """A new session that begins with this one's state."""
        answer = self._post(":fork", json_body({} if id is None else {"id": id}))
        return Session(self._client, self.model, answer["id"])

    def move(self, version: int) -> Any:
        """Goes on with another version, whose states have the same shape."""
        return self._client.request("PUT", self._path, json_body({"version": str(version)})).json()

    def info(self) -> Any:
        """{"id": ..., "version": ..., "steps": ..., "age_seconds": ..., ...}"""
        return self._client.request("GET", self._path, is_safe=True).json()

    def delete(self) -> Any:
        """Ends it; returns what it was."""
        return self._client.request("DELETE", self._path).json()

    def _post(self, verb: str, body: Any) -> Any:
        return self._client.request("POST", self._path + verb, body).json()
