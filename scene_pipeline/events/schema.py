"""The events: an exposure is a list that was shown, an action is something a person did with one of its products.

Exposures are written by the server or the batch run, which know propensities and versions; a page sends only actions.
No event holds a picture, an address or a name: `subject` is an HMAC of the shop's id (see `subjects`).
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from scene_pipeline.errors import EventError

T = TypeVar("T")

SCHEMA_VERSION = 1

DWELL_CAP_S = 300.0
"""Maximum dwell time: longer ones are tabs left open. The action is then marked as censored."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OptionalName = Annotated[str, msgspec.Meta(max_length=200)]
Timestamp = Annotated[float, msgspec.Meta(ge=0, lt=4_102_444_800)]
Probability = Annotated[float, msgspec.Meta(gt=0, le=1)]
NonNegative = Annotated[float, msgspec.Meta(ge=0, lt=1e12)]

ActionKind = Literal[
    "seen", "click", "like", "dislike", "pin", "reject", "add_to_cart", "purchase", "dwell", "complaint"
]


class ExposedProduct(msgspec.Struct, frozen=True, array_like=True):
    """One candidate of a list. `rank` counts from 1; runners-up (`shown` false) continue the ranks after the list.

    `propensity` is the probability that the logging policy put this product at this rank, 1 without exploration.
    `rank_propensities` [(rank, probability)] holds every rank that it could have had; empty if only this one was
    possible. `score` and `factors` are those that it was ranked by, factors in the order of `Exposure.factor_names`.
    """

    product_id: _Name
    rank: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    score: float
    propensity: Probability
    shown: bool
    factors: tuple[float, ...]
    rank_propensities: tuple[tuple[int, float], ...] = ()


class _Exposure(msgspec.Struct, frozen=True, tag="exposure", tag_field="type", gc=False):
    """The common fields of Exposure and ExposureRow: all except the products.

    gc is off: there are no reference cycles, and compaction holds millions of them.
    """

    request_id: _Name
    at: Timestamp
    scene: OptionalName
    bundle: _Name
    weights_version: OptionalName
    factor_names: tuple[str, ...]
    subject: OptionalName = ""
    experiment: OptionalName = ""
    arm: OptionalName = ""
    seed: int = 0
    exploration: OptionalName = ""
    elapsed_ms: NonNegative = 0.0
    calibrated: bool = False
    price: float = 0.0
    source: Literal["server", "batch", "import"] = "server"
    date: OptionalName = ""
    country: OptionalName = ""
    hemisphere: OptionalName = ""
    channel: OptionalName = ""
    personal: bool = False
    intent: OptionalName = "complete"
    schema_version: int = SCHEMA_VERSION

    @property
    def event_id(self) -> str:
        """The id that makes a repeated write harmless."""
        return self.request_id


class Exposure(_Exposure, kw_only=True, frozen=True):
    """A list that was shown. Its id is the request id, so that one request is logged once.

    at: seconds since 1970, UTC. scene: content hash of the photograph. arm: that of `experiment`; both are empty
    without an experiment. seed: the seed of exploration. elapsed_ms and calibrated feed the guardrails of experiments.
    price: the share of the list's expected score that exploration costs. date (ISO), country, hemisphere, channel: the
    context that the list was ranked for, empty where unknown; personal: whether the subject's profile changed the
    order. intent: the question that the list answers; only lists of *complete* are ordered by the weights.
    """

    products: tuple[ExposedProduct, ...]


class ExposureRow(_Exposure, kw_only=True, frozen=True):
    """A stored exposure for writing columns: products are plain tuples in the order of ExposedProduct's fields.

    Decoding hundreds of thousands of lists into ExposedProduct takes several times as long.
    """

    products: tuple[tuple[str, int, float, float, bool, tuple[float, ...], tuple[tuple[int, float], ...]], ...]


class Action(msgspec.Struct, frozen=True, tag="action", tag_field="type", forbid_unknown_fields=True):
    """What a person did with a product of a list. `product_id` is empty for a complaint about the whole list.

    value: money for a purchase, seconds for dwell (`censored` when it was limited or the page was still open). Without
    an `action_id` one action of a kind counts per request, product and subject.
    """

    request_id: _Name
    kind: ActionKind
    product_id: OptionalName = ""
    at: Timestamp = 0.0
    subject: OptionalName = ""
    value: NonNegative | None = None
    censored: bool = False
    action_id: OptionalName = ""
    source: Literal["page", "server", "import"] = "page"
    schema_version: int = SCHEMA_VERSION

    @property
    def event_id(self) -> str:
        """The id that makes a repeated write harmless: a hash, since a caller's own id may name a person.

        Ids stay known when the events of a subject are erased.
        """
        own = self.action_id or "\x1f".join((self.request_id, self.product_id, self.kind, self.subject))
        return hashlib.sha256(own.encode()).hexdigest()[:32]


Event = Exposure | Action


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)
_row_decoder = msgspec.msgpack.Decoder(ExposureRow | Action)
_actions = msgspec.json.Decoder(list[Action])


def encode_event(event: Event) -> bytes:
    """Return an event as MessagePack, as stores keep it."""
    return _encoder.encode(event)


def decode_event(payload: bytes) -> Event:
    """Return the event of a stored payload. Raises EventError for one of a later schema or one that is damaged."""
    return _readable(_decoder, payload)


def decode_row(payload: bytes) -> ExposureRow | Action:
    """Return the event of a stored payload as compaction reads it. Errors as for `decode_event`."""
    return _readable(_row_decoder, payload)


def _readable(decoder: msgspec.msgpack.Decoder[T], payload: bytes) -> T:
    try:
        event: Any = decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise EventError(f"a stored event cannot be read: {error}; restore the event store from a backup") from error
    if event.schema_version > SCHEMA_VERSION:
        raise EventError(f"event {event.event_id} has schema {event.schema_version}; upgrade scene-pipeline to read it")
    return event


def decode_actions(body: bytes, now: float) -> tuple[Action, ...]:
    """Return the actions of a request body: a JSON list. `now` (seconds) replaces a missing time.

    Raises EventError naming the field and the row (`$[2].kind`) of the first error.
    """
    try:
        actions = _actions.decode(body)
    except msgspec.MsgspecError as error:
        raise EventError(f"the actions cannot be read: {error}; send a JSON list of actions") from error
    return tuple(normalized(action, now) for action in actions)


def normalized(action: Action, now: float) -> Action:
    """Return an action with its time set and dwell limited to DWELL_CAP_S. Raises EventError for a missing field."""
    value, censored = action.value, action.censored
    if action.kind == "dwell" and value is not None and value > DWELL_CAP_S:
        value, censored = DWELL_CAP_S, True
    if action.kind in ("dwell", "purchase") and value is None:
        raise EventError(f"a {action.kind} of request {action.request_id} has no value; give its value")
    if action.kind != "complaint" and not action.product_id:
        raise EventError(f"a {action.kind} of request {action.request_id} has no product_id; give the product")
    return msgspec.structs.replace(action, value=value, censored=censored, at=action.at or now)


def content_digest(event: Event) -> bytes:
    """Return 16 bytes that differ for different events of one id, whatever their time: a retry may state another."""
    return hashlib.sha256(encode_event(msgspec.structs.replace(event, at=0.0))).digest()[:16]


def day_of(at: float) -> dt.date:
    """Return the UTC day of a timestamp."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


def check_events(events: Sequence[Event]) -> None:
    """Validate events built in code as strictly as those that are decoded. Raises EventError naming the field."""
    for event in events:
        try:
            msgspec.convert(msgspec.to_builtins(event), type(event))
        except msgspec.ValidationError as error:
            raise EventError(f"event {event.event_id} is invalid: {error}") from error
