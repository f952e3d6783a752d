"""A typed client of the service: the standard library and msgspec, nothing else."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from scene_pipeline.errors import ServiceError
from scene_pipeline.service import documents as docs

T = TypeVar("T")


class RefusedError(ServiceError):
    """The service answered with an error. kind: the end of the problem's type, such as `busy`."""

    def __init__(self, status: int, kind: str, detail: str, retry_after_s: float) -> None:
        super().__init__(f"{status} {kind}: {detail}")
        self.status = status
        self.kind = kind
        self.retry_after_s = retry_after_s


class Client:
    """Calls a service under `address`. Raises RefusedError for its errors and ServiceError where it does not answer."""

    def __init__(self, address: str, token: str = "", timeout_s: float = 30.0) -> None:
        self._address = address.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s

    def read(self, picture: str | Path | bytes) -> docs.SceneAnswer:
        """Return what a photograph shows; `scene_id` is good for recommendations until `expires_at`."""
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        return self._call("POST", "/v1/scenes", docs.SceneAnswer, data, "application/octet-stream")

    def recommend(self, **request: Any) -> docs.RecommendationAnswer:
        """Return products; the arguments are the fields of RecommendationRequest."""
        wanted = _document(request, docs.RecommendationRequest)
        body = msgspec.json.encode(wanted)
        return self._call("POST", "/v1/recommendations", docs.RecommendationAnswer, body, "application/json")

    def product(self, product_id: str) -> docs.ProductOut:
        """Return a product of the catalog."""
        return self._call("GET", f"/v1/products/{quote(product_id, safe='')}", docs.ProductOut)

    def vocabulary(self) -> docs.VocabularyOut:
        """Return the values that requests may hold."""
        return self._call("GET", "/v1/vocabulary", docs.VocabularyOut)

    def event(self, answer: docs.RecommendationAnswer, item: docs.Item, kind: str, **more: Any) -> docs.EventIn:
        """Return an event about a product of a list, with an id of its own."""
        given = {"event_id": uuid.uuid4().hex, "recommendation_id": answer.recommendation_id, "kind": kind}
        return _document({**given, "product_id": item.product_id, **more}, docs.EventIn)

    def send(self, events: Sequence[docs.EventIn]) -> docs.EventsAnswer:
        """Store events. Sending the same ones again after a failure is harmless."""
        body = msgspec.json.encode(docs.EventsRequest(events=list(events)))
        return self._call("POST", "/v1/events", docs.EventsAnswer, body, "application/json")

    def _call(self, method: str, path: str, kind: type[T], body: bytes | None = None, media_type: str = "") -> T:
        request = urllib.request.Request(f"{self._address}{path}", body, method=method)  # noqa: S310 - the caller's
        if media_type:
            request.add_header("Content-Type", media_type)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310 - the caller's
                return msgspec.json.decode(answer.read(), type=kind)
        except urllib.error.HTTPError as error:
            raise _refused(error) from error
        except OSError as error:
            raise ServiceError(
                f"{self._address} does not answer ({error}); start it with `scene-pipeline serve`"
            ) from error


def _document(given: dict[str, Any], kind: type[T]) -> T:
    """Return a document to send. Raises the RefusedError that the service would answer."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise RefusedError(422, "invalid", str(error), 0) from error


def _refused(error: urllib.error.HTTPError) -> RefusedError:
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {"type": ":unknown", "detail": error.reason}
    kind = str(problem.get("type", "")).rpartition(":")[2]
    return RefusedError(error.code, kind, problem.get("detail", ""), float(error.headers.get("Retry-After") or 0))
