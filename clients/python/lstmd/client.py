"""The client: a method per route. SPDX-License-Identifier: Apache-2.0"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Optional, Sequence, Type
from urllib.parse import quote

from .bodies import Body, as_arrays, input_body, is_array, json_body
from .errors import LstmdError
from .session import Session
from .transport import Answer, Transport


class Client:
    """A server, by its URL. Any number of threads may share one client.

    model: "mnist" for the newest version and what it has learned, "mnist/versions/1" or
    "mnist/labels/stable" for one version.

    instances, where a method takes them:
      list           instances, each [steps][features] numbers, or flat, or an object with
                     "input" and "initial_state"; they may have different lengths
      numpy array    [B, steps, features] of floats or of bytes (uint8), sent as they are, to models
                     with fixed steps; answers are float32 arrays then. For other models pass
                     list(array). Arrays of other integers are sent as lists.
      array.array    floats, one or more whole instances in a row
      bytes          a PNG of a digit; or bytes (uint8), one or more whole instances in a row
      dict           a whole body: {"inputs": {...}, "time_major": True}

    Bytes, pictures and arrays of bytes are scaled as the model says (0 to 255 becomes 0 to 1 in the
    shipped one); other numbers are taken as they are.

    Every method raises an LstmdError: one class per status, ConnectionFailed or TimedOut if there
    was no answer. A request that the server refused with 503 and Retry-After, or whose connection
    could not be made, is tried again; so is a request that changes nothing when its connection
    breaks.
    """

    def __init__(self, url: str = "http://127.0.0.1:8501", *, api_key: Optional[str] = None,
                 ca_file: Optional[str] = None, timeout: float = 30, retries: int = 4,
                 pool_size: int = 8) -> None:
        """timeout: seconds for a request, its retries and their waits in all. ca_file:
        certificates in PEM to trust instead of the system's. pool_size: most idle connections kept.
        """
        self._transport = Transport(url, api_key, ca_file, timeout, retries, pool_size)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Closes the idle connections."""
        self._transport.close()

    def request(self, method: str, path: str, body: Optional[Body] = None,
                query: Optional[Dict[str, Any]] = None, *, is_safe: bool = False) -> Answer:
        """Any route; is_safe: it changes nothing, so that it may be sent twice."""
        return self._transport.request(method, path, body, query, is_safe=is_safe)

    # ---- Inference ----------------------------------------------------------------------------

    def predict(self, model: str, instances: Any) -> Any:
        """What the model makes of each instance: [B][outputs]."""
        answer = self._post(model, ":predict", input_body(instances, {}), is_safe=True)
        values = answer["outputs"] if "outputs" in answer else answer["predictions"]
        return as_arrays(values) if is_array(instances) else values

    def state(self, model: str, instances: Any, *, trace: Optional[bool] = None,
              gates: Optional[bool] = None, predictions: Optional[bool] = None,
              state_is_tuple: Optional[bool] = None,
              layers: Optional[Sequence[int]] = None) -> Any:
        """{"outputs": [B][T][units], "state": {"c": [B][units], "h": [B][units]}}, and with
        trace=True and gates=True the states and gates at every step."""
        answer = self._post(model, ":state", input_body(instances, {
            "trace": trace, "gates": gates, "predictions": predictions,
            "state_is_tuple": state_is_tuple, "layers": layers}), is_safe=True)
        return as_arrays(answer) if is_array(instances) else answer

    # ---- Training -----------------------------------------------------------------------------

    def train_step(self, model: str, instances: Any, labels: Any, *,
                   sample_weight: Optional[Any] = None,
                   learning_rate: Optional[float] = None) -> Any:
        """One optimizer step. labels: a class number or a row of numbers per instance.

        Returns {"step", "loss", "accuracy", "gradient_norm", "examples"}.
        """
        return self._post(model, ":train-step", input_body(instances, {
            "labels": labels, "sample_weight": sample_weight, "learning_rate": learning_rate}))

    def evaluate(self, model: str, instances: Any, labels: Any, *,
                 sample_weight: Optional[Any] = None) -> Any:
        """Loss and accuracy as train_step() tells them; nothing is learned."""
        return self._post(model, ":evaluate", input_body(instances, {
            "labels": labels, "sample_weight": sample_weight}), is_safe=True)

    def publish(self, model: str) -> Any:
        """Writes what was learned as the next version: {"version": "2"}."""
        return self._post(model, ":publish")

    def reset(self, model: str) -> Any:
        """Forgets what was learned since the newest version; answers as training() does."""
        return self._post(model, ":reset")

    def training(self, model: str) -> Any:
        """{"base_version", "step", "unpublished_steps", "durable", "settings", "losses"}"""
        return self._get(f"{_path_of(model)}/training")

    def set_training(self, model: str, *, learning_rate: Optional[float] = None,
                     clip_norm: Optional[float] = None) -> Any:
        """Changes settings; answers as training() does."""
        given = {"learning_rate": learning_rate, "clip_norm": clip_norm}
        body = json_body({key: value for key, value in given.items() if value is not None})
        return self.request("PUT", f"{_path_of(model)}/training", body).json()

    # ---- Models and the server ----------------------------------------------------------------

    def models(self) -> Any:
        """{"models": [...]}"""
        return self._get("/v1/models")

    def model(self, model: str) -> Any:
        """{"model_version_status": [...]}, as TensorFlow Serving tells it."""
        return self._get(_path_of(model))

    def metadata(self, model: str) -> Any:
        """What the model takes and gives, as TensorFlow Serving tells it."""
        return self._get(f"{_path_of(model)}/metadata")

    def load(self, model: str) -> Any:
        """Looks for new versions now, also after unload(); answers as model() does."""
        return self._post(model, ":load")

    def unload(self, model: str) -> Any:
        """Stops serving the model until load(); answers as model() does."""
        return self._post(model, ":unload")

    def health(self) -> Dict[str, bool]:
        """{"live": ..., "ready": ...}, asked once; no answer is {"live": False, "ready": False}."""
        return {"live": self._answers("/v2/health/live"),
                "ready": self._answers("/v2/health/ready")}

    def metrics(self) -> str:
        """The metrics in the Prometheus text format."""
        return self.request("GET", "/metrics", is_safe=True).content.decode()

    # ---- Sessions -----------------------------------------------------------------------------

    def session(self, model: str, id: Optional[str] = None,
                initial_state: Optional[Any] = None) -> Session:
        """Begins a session; without an id the server makes one up."""
        given = {"id": id, "initial_state": initial_state}
        body = json_body({key: value for key, value in given.items() if value is not None})
        answer = self.request("POST", f"{_path_of(model)}/sessions", body).json()
        return Session(self, answer["model"], answer["id"])

    def open_session(self, model: str, id: str) -> Session:
        """A session that lives already. NotFound: it does not."""
        session = Session(self, model.split("/")[0], id)
        session.info()
        return session

    def sessions(self, model: str, limit: int = 100, after: int = 0) -> Any:
        """{"sessions": [...], "next": ...}, oldest first; after: the "next" of the last list."""
        return self.request("GET", f"{_path_of(model)}/sessions", None,
                            {"limit": limit, "after": after}, is_safe=True).json()

    # ---- What these share ---------------------------------------------------------------------

    def _get(self, path: str) -> Any:
        return self.request("GET", path, is_safe=True).json()

    def _post(self, model: str, verb: str, body: Optional[Body] = None,
              is_safe: bool = False) -> Any:
        return self.request("POST", _path_of(model) + verb, body, is_safe=is_safe).json()

    def _answers(self, path: str) -> bool:
        try:
            self._transport.request("GET", path, retries=0)
        except LstmdError:
            return False
        return True


def _path_of(model: str) -> str:
    return "/v1/models/" + quote(model)
