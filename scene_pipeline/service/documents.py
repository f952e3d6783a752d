"""The documents of the API: what requests hold and what answers hold. The OpenAPI document is generated from these."""

from typing import Annotated, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Words = Annotated[list[Word], msgspec.Meta(max_length=50)]
Price = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Centimeters = Annotated[float, msgspec.Meta(ge=0, le=100_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000)]
Pieces = Annotated[int, msgspec.Meta(ge=1, le=50)]
Rank = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what clients send: a field that is not known is an error."""


class Wishes(_Request, frozen=True, kw_only=True):
    """What every recommendation must meet. Prices in the catalog's currency; colors are names or #rrggbb.

    `style` furnishes in another style than the photograph shows; `diversity` is how much the list is spread.
    """

    style: Word | None = None
    colors: Words = []
    min_price: Price | None = None
    max_price: Price | None = None
    min_size_cm: Centimeters | None = None
    max_size_cm: Centimeters | None = None
    in_stock: bool = False
    categories: Words = []
    without_categories: Words = []
    brands: Words = []
    diversity: Share | None = None


class Corrections(_Request, frozen=True, kw_only=True):
    """What was read wrong: the room, the style, categories that are there or are not there."""

    room: Word | None = None
    style: Word | None = None
    present: Words = []
    absent: Words = []


class Pin(_Request, frozen=True, kw_only=True):
    """A product that keeps its place in the list."""

    product_id: Id
    rank: Rank


class Options(_Request, frozen=True, kw_only=True):
    """What is wanted of a scene. `budget`, `must`, `want` and `keep` belong to the intent `furnish`: what the set may
    cost, pieces by type that it has to hold or that are wished, and what stays. For `match`, `k` is of each thing.

    `subject` is the shop's id of a person or session; it is stored as a keyed hash, or not at all where the server has
    no key. Date (ISO, or today), country (ISO 3166), hemisphere, channel and the subject's profile move the order of
    the list and no confidence; what is not given moves nothing."""

    intent: Word = "complete"
    k: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    wishes: Wishes = Wishes()
    corrections: Corrections = Corrections()
    weights: dict[Word, Weight] = {}
    budget: Price | None = None
    must: dict[Word, Pieces] = {}
    want: dict[Word, Pieces] = {}
    keep: Words = []
    pinned: Annotated[list[Pin], msgspec.Meta(max_length=100)] = []
    rejected: Annotated[list[Id], msgspec.Meta(max_length=1_000)] = []
    subject: Annotated[str, msgspec.Meta(max_length=200)] = ""
    date: Annotated[str, msgspec.Meta(pattern=r"^(today|[0-9]{4}-[0-9]{2}-[0-9]{2})$")] | None = None
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] | None = None
    hemisphere: Literal["north", "south"] | None = None
    channel: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,40}$")] | None = None


class RecommendationRequest(Options, frozen=True, kw_only=True):
    """Options, and the scene: `scene_id` of an upload, or `library_scene` as LIBRARY/NAME."""

    scene_id: Id | None = None
    library_scene: Annotated[str, msgspec.Meta(min_length=3, max_length=500)] | None = None


class EventIn(_Request, frozen=True, kw_only=True):
    """What a person did with a product of a list. `value` is money for a purchase and seconds for dwell."""

    event_id: Id
    recommendation_id: Id
    kind: Literal["seen", "click", "like", "dislike", "pin", "reject", "add_to_cart", "purchase", "dwell", "complaint"]
    product_id: Annotated[str, msgspec.Meta(max_length=200)] = ""
    at: Annotated[float, msgspec.Meta(gt=0, lt=4_102_444_800)] | None = None
    value: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    subject: Annotated[str, msgspec.Meta(max_length=200)] = ""


class EventsRequest(_Request, frozen=True, kw_only=True):
    """Events of any lists."""

    events: Annotated[list[EventIn], msgspec.Meta(min_length=1)]


# ---------------------------------------------------------------- answers


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what the server answers. Fields are added, never renamed, within /v1."""


class ClassificationOut(_Answer, frozen=True, kw_only=True):
    """One classified aspect of a scene: an id of the vocabulary or "unknown", with its probability.

    certain: whether it is probable enough to be named as a fact.
    """

    value: str
    name: str
    confidence: float
    distribution: dict[str, float]
    certain: bool = True


class ColorOut(_Answer, frozen=True, kw_only=True):
    """A main color and its share of the area."""

    hex: str
    name: str
    share: float


class PresentOut(_Answer, frozen=True, kw_only=True):
    """A category that is seen in the photograph, and how surely."""

    category: str
    name: str
    confidence: float


class ObjectOut(_Answer, frozen=True, kw_only=True):
    """A thing in the photograph with its box, or the window that shows it best (left, top, right, bottom, as shares of
    width and height). above: by how many deviations its nearest product stands out, which is no probability."""

    object_id: str
    type: str
    name: str
    above: float
    box: tuple[float, float, float, float]


class SceneOut(_Answer, frozen=True, kw_only=True):
    """What was read from a photograph."""

    room: ClassificationOut
    style: ClassificationOut
    palette: ClassificationOut
    colors: list[ColorOut]
    present: list[PresentOut]
    objects: list[ObjectOut]
    note: str


class InsightLine(_Answer, frozen=True, kw_only=True):
    """A line of a model's opinion, in words of the vocabulary."""

    label: str
    text: str


class InsightsOut(_Answer, frozen=True, kw_only=True):
    """A vision LLM's opinion of a photograph: pending, there, or none with a note. `summary` is in its own words."""

    state: Literal["pending", "there", "none"]
    model: str
    lines: list[InsightLine] = []
    summary: str = ""
    note: str = ""


class SceneAnswer(_Answer, frozen=True, kw_only=True):
    """A scene for which recommendations can be requested. `expires_at` is ISO 8601, UTC; the picture is not kept."""

    scene_id: str
    expires_at: str
    bundle_version: str
    scene: SceneOut
    insights: InsightsOut | None = None


class ContextOut(_Answer, frozen=True, kw_only=True):
    """For when and where a list is, and whether for a person; it names nobody."""

    date: str | None
    country: str | None
    hemisphere: str | None
    channel: str | None
    person: bool


class MoveOut(_Answer, frozen=True, kw_only=True):
    """What the context did to a product: places up in this list (down below 0), why, and the weighted lifts."""

    moved: int
    sentence: str
    lifts: dict[str, float]


class VariantOut(_Answer, frozen=True, kw_only=True):
    """The variant of a product that suits the scene best, as the catalog states it. `price` is what it costs."""

    sku_id: str | None
    label: str
    color: str | None
    size: str | None
    material: str | None
    price: float | None
    availability: str | None
    image: str | None


class Item(_Answer, frozen=True, kw_only=True):
    """A recommended product. `confidence` is a probability where `calibrated`; `image` is a path of this server.

    `subtitle` is what the product is in a line, empty where the title says so.
    `variant` is None where the product has but one form.
    """

    rank: int
    product_id: str
    sku_id: str
    title: str
    subtitle: str
    description: str
    price: float | None
    currency: str | None
    brand: str | None
    link: str | None
    image: str | None
    category: str
    category_name: str
    placement: str
    reason: str
    score: float
    confidence: float
    calibrated: bool
    factors: dict[str, float]
    variant: VariantOut | None = None
    pinned: bool = False
    propensity: float = 1.0
    context: MoveOut | None = None
    opinion: str = ""
    place: str = ""
    pieces: int = 1


class SwapOut(_Answer, frozen=True, kw_only=True):
    """The exchange in a set that saves most: `by` in place of `product_id`."""

    product_id: str
    by: str
    saves: float


class SetOut(_Answer, frozen=True, kw_only=True):
    """What a furnished set costs and leaves; `gap` is by how much a better one could exceed it at most."""

    cost: float
    left: float
    budget: float
    fit: float
    gap: float
    kept: list[str]
    swap: SwapOut | None
    note: str


class RecommendationAnswer(_Answer, frozen=True, kw_only=True):
    """A list, best first but for pinned products. `recommendation_id` goes into the events about it.

    `context` is null where nothing is known that could move the order; `for_you` says what is known of the subject.
    `experiment` and `arm` are empty outside an experiment; `propensity` is the probability of the arm, and that of an
    item the probability that exploration put it at its rank. For `match` the `scene` holds the objects that were found
    and an item's `place` is the object it looks like; for `furnish` it is the place it takes, `pieces` times."""

    recommendation_id: str
    bundle_version: str
    encoder_id: str
    intent: str
    arm: str
    propensity: float
    note: str
    scene: SceneOut
    items: list[Item]
    context: ContextOut | None = None
    for_you: str = ""
    experiment: str = ""
    set: SetOut | None = None


class ProductOut(_Answer, frozen=True, kw_only=True):
    """A product of the catalog. subtitle: what it is in a line, empty where the title says so."""

    product_id: str
    sku_id: str
    title: str
    subtitle: str
    description: str
    price: float | None
    currency: str | None
    brand: str | None
    link: str | None
    image: str | None
    category: str
    category_name: str


class LibraryOut(_Answer, frozen=True, kw_only=True):
    """A library of scenes."""

    name: str
    scenes: list[str]


class LibrariesOut(_Answer, frozen=True, kw_only=True):
    """All libraries of scenes."""

    libraries: list[LibraryOut]


class Entry(_Answer, frozen=True, kw_only=True):
    """An id of the vocabulary and its name."""

    id: str
    name: str


class ColorName(_Answer, frozen=True, kw_only=True):
    """A basic color by its name."""

    name: str
    hex: str


class FactorOut(_Answer, frozen=True, kw_only=True):
    """A part of the score and its weight."""

    id: str
    name: str
    weight: float


class VocabularyOut(_Answer, frozen=True, kw_only=True):
    """The values that requests may hold, of the bundle that is served."""

    bundle_version: str
    intents: list[Entry]
    rooms: list[Entry]
    styles: list[Entry]
    palettes: list[Entry]
    categories: list[Entry]
    colors: list[ColorName]
    factors: list[FactorOut]
    brands: list[str]
    currency: str | None
    max_k: int
    feedback: bool
    profiles: bool = False


class EventStatus(_Answer, frozen=True, kw_only=True):
    """What became of an event: stored now, or a repetition of one that is stored."""

    event_id: str
    status: Literal["stored", "duplicate"]


class EventsAnswer(_Answer, frozen=True, kw_only=True):
    """One status per event, in the order they were sent."""

    events: list[EventStatus]


class TermOut(_Answer, frozen=True, kw_only=True):
    """A term of a profile. lift: how much more than everybody (natural logarithm) the person chooses it; with
    `corrected` it is what was stated. chosen: how many products with it the person chose. A name that is a word and a
    fact of products ("oak") is one term here and corrected as one."""

    term: str
    name: str
    lift: float
    chosen: float
    corrected: bool


class ProfileOut(_Answer, frozen=True, kw_only=True):
    """What is known of a person, the most telling terms first. weight: how far it is believed, 0 to 1."""

    summary: str
    updated: str
    chosen: float
    weight: float
    usual_price: float | None
    terms: list[TermOut]


class ProfilePatch(_Request, frozen=True, kw_only=True):
    """What a person states: by term the lift that holds in place of the learned one (0 ignores it, -1 avoids it,
    1 prefers it); null takes it back."""

    corrections: Annotated[
        dict[Word, Annotated[float, msgspec.Meta(ge=-3, le=3)] | None], msgspec.Meta(min_length=1, max_length=50)
    ]


class DeletedOut(_Answer, frozen=True, kw_only=True):
    """Whether there was a profile to delete."""

    deleted: bool


class ErasedOut(_Answer, frozen=True, kw_only=True):
    """How many events of a subject were erased, and whether there was a profile, which is deleted too."""

    erased: int
    profile: bool


class Readiness(_Answer, frozen=True, kw_only=True):
    """Whether the server answers, and with what. `stale`: why the promoted bundle is not the one that is served;
    `experiment_problem`: why the experiment that runs is not served."""

    ready: bool
    bundle_version: str
    encoder_id: str
    stale: str | None
    expected_wait_s: float
    experiment_problem: str | None = None


class ReloadOut(_Answer, frozen=True, kw_only=True):
    """Which bundle is served after a reload."""

    bundle_version: str
    changed: bool
