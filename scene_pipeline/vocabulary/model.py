"""The typed vocabulary and how it is read: the packaged YAML files, then a user's own folder laid over them."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary.product_types import ProductTypes, check_places, check_types, merge_types
from scene_pipeline.vocabulary.strict_yaml import load_strict

PACKAGED = Path(__file__).parent / "data"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every vocabulary record: immutable, and a key it does not know is an error."""


class Room(_Strict, frozen=True):
    """A kind of room. `prompts` describe it to the encoder, `words` are how product texts name it.

    `usual`: type group → how many pieces of it such a room has, the most important first.
    `signs` are things that give it away where an encoder names what it sees (see scenes/signs). `needs` and `never` are
    types of thing (TYPES of scenes/room_heads) that such a room always has and never has. `certainty` is the
    probability below which this room counts as unsure; that of scoring where None.
    """

    id: str
    name: str
    prompts: tuple[str, ...]
    words: tuple[str, ...] = ()
    usual: dict[str, int] = {}
    signs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    certainty: float | None = None


class UnknownScene(_Strict, frozen=True):
    """The null class: what a photograph that shows no room looks like."""

    name: str
    prompts: tuple[str, ...]


class Style(_Strict, frozen=True):
    """An interior style, with its affinity (0-1) to materials and palettes."""

    id: str
    name: str
    prompts: tuple[str, ...]
    words: tuple[str, ...] = ()
    materials: dict[str, float] = {}
    palettes: dict[str, float] = {}


class Palette(_Strict, frozen=True):
    """A family of colors. `anchors` are CIELAB (D65) triples; `harmony` is 0-1 towards other palettes."""

    id: str
    name: str
    anchors: tuple[tuple[float, float, float], ...]
    words: tuple[str, ...] = ()
    harmony: dict[str, float] = {}


class Category(_Strict, frozen=True):
    """A product category, where it goes and how large it usually is (`size_cm`: smallest and largest).

    `placements` maps a room id, or "any", to places, best first; for products whose type is not known.
    """

    id: str
    name: str
    description: str
    placement_priority: float
    size_cm: tuple[float, float]
    rooms: dict[str, float]
    placements: dict[str, tuple[str, ...]]


class Uncategorized(_Strict, frozen=True):
    """What holds for products outside the categories."""

    name: str
    placement_priority: float
    room_fit: float
    placement: str


class Material(_Strict, frozen=True):
    """A material, how much it adds to a room's finish (0-1), and the family it belongs to."""

    id: str
    name: str
    quality: float
    parent: str | None = None


class FilterPoints(_Strict, frozen=True):
    """Points per matching trait, and the threshold a product must reach to be shown before others.

    A product whose fit to the room (0-1) is below `min_room_fit` never reaches it: a toilet brush in a living room.
    """

    threshold: float
    room: float
    style: float
    color: float
    material: float
    availability: float
    min_room_fit: float = 0.5


class Diversity(_Strict, frozen=True):
    """How a top ten is spread: MMR trade-off, near-duplicate cosine, bounds on categories.

    `priority` is the most that a category's placement priority adds to a score while choosing, `present` the most that
    is taken off for a category that the scene already shows: both decide between products whose scores are near.
    `max_bought_in_numbers`: of ten places for a type group that is bought in numbers; all others have one.
    `max_per_color`: of ten places for one main color. `min_accents`: of the first ten for products of an accent color
    of the scene. `repeats`: a product that stands in n lists of a library already moves down by repeats · ln(1 + n), in
    logits of its score.
    """

    mmr_lambda: float
    near_duplicate_similarity: float
    max_per_category: int
    min_categories: int
    max_categories: int = 5
    max_bought_in_numbers: int = 2
    max_per_color: int = 4
    min_accents: int = 2
    priority: float = 0.005
    present: float = 0.005
    repeats: float = 0.08


class Scoring(_Strict, frozen=True):
    """Weights of the factors (they add up to 1), filter points, and the constants of ranking.

    A factor without a weight here has that of the registry (`matching.factors`), which also refuses unknown names.
    `weights_by_encoder` holds weights for encoders on which they were learned, by encoder id. A room read with less
    than `room_certainty` counts as unsure: the list then keeps to what suits several rooms. A style read with less
    than `style_certainty` is not named, and no reason rests on it. `room_sharpness` is the exponent of the rooms'
    probabilities where products are compared with them.
    """

    weights: dict[str, float]
    filter: FilterPoints
    similarity_slope: float
    image_share: float
    unknown_threshold: float
    candidates: int
    diversity: Diversity
    room_certainty: float = 0.5
    style_certainty: float = 0.5
    room_sharpness: float = 2
    weights_by_encoder: dict[str, dict[str, float]] = {}

    def weights_for(self, encoder_id: str) -> dict[str, float]:
        """Return the weights learned for an encoder, or else those for all."""
        return self.weights_by_encoder.get(encoder_id, self.weights)


def _formatted(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1)


class Vocabulary(_Strict, frozen=True):
    """All of it. Serialized as JSON into every bundle, so that serving needs no YAML.

    `type_rooms` maps words of a product type to the rooms that such products are made for.
    """

    rooms: tuple[Room, ...]
    unknown: UnknownScene
    styles: tuple[Style, ...]
    palettes: tuple[Palette, ...]
    categories: tuple[Category, ...]
    uncategorized: Uncategorized
    materials: tuple[Material, ...]
    scoring: Scoring
    type_rooms: dict[str, tuple[str, ...]] = {}
    types: ProductTypes = ProductTypes()

    def to_json(self) -> bytes:
        """Return the vocabulary as canonical JSON; its hash changes exactly when the vocabulary does."""
        return _formatted(self)

    def parts(self) -> tuple[bytes, bytes]:
        """Return the words and the scoring, each as canonical JSON: what learning changes is the scoring alone."""
        words = msgspec.to_builtins(self, order="sorted")
        scoring = words.pop("scoring")
        words_json, scoring_json = (
            msgspec.json.format(msgspec.json.encode(part), indent=1) for part in (words, scoring)
        )
        return words_json, scoring_json

    @classmethod
    def from_parts(cls, words: bytes, scoring: bytes) -> "Vocabulary":
        """Return the vocabulary that `parts` wrote. Raises VocabularyError when it is something else."""
        try:
            fields = msgspec.json.decode(words, type=dict[str, msgspec.Raw]) | {"scoring": msgspec.Raw(scoring)}
            return msgspec.json.decode(msgspec.json.encode(fields), type=cls)
        except msgspec.DecodeError as error:
            raise VocabularyError(f"the vocabulary of this bundle cannot be read: {error}") from error


class _RoomsFile(_Strict, frozen=True):
    rooms: tuple[Room, ...]
    unknown: UnknownScene | None = None


class _StylesFile(_Strict, frozen=True):
    styles: tuple[Style, ...]


class _PalettesFile(_Strict, frozen=True):
    palettes: tuple[Palette, ...]


class _CategoriesFile(_Strict, frozen=True):
    categories: tuple[Category, ...]
    uncategorized: Uncategorized | None = None
    type_rooms: dict[str, tuple[str, ...]] = {}


class _MaterialsFile(_Strict, frozen=True):
    materials: tuple[Material, ...]


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Record = TypeVar("Record", bound=_HasId)


def load_vocabulary(overlay: Path | None = None) -> Vocabulary:
    """Return the packaged vocabulary, with the files of `overlay` laid over it.

    An overlay folder may hold any of `rooms.yaml`, `styles.yaml`, `palettes.yaml`, `categories.yaml`,
    `materials.yaml` (their records replace those of the same id, or are added) and `scoring.yaml` (replaces the whole
    scoring). Raises VocabularyError naming file and line.
    """
    folders = [PACKAGED] if overlay is None else [PACKAGED, overlay]
    if overlay is not None and not overlay.is_dir():
        raise VocabularyError(f"{overlay}: is not a directory; name a folder with rooms.yaml, styles.yaml and so on")
    rooms = _read(folders, "rooms.yaml", _RoomsFile)
    categories = _read(folders, "categories.yaml", _CategoriesFile)
    unknown = next(file.unknown for file in reversed(rooms) if file.unknown is not None)
    uncategorized = next(file.uncategorized for file in reversed(categories) if file.uncategorized is not None)
    vocabulary = Vocabulary(
        rooms=_merge("rooms.yaml", [file.rooms for file in rooms]),
        unknown=unknown,
        styles=_merge("styles.yaml", [file.styles for file in _read(folders, "styles.yaml", _StylesFile)]),
        palettes=_merge("palettes.yaml", [file.palettes for file in _read(folders, "palettes.yaml", _PalettesFile)]),
        categories=_merge("categories.yaml", [file.categories for file in categories]),
        uncategorized=uncategorized,
        materials=_merge(
            "materials.yaml", [file.materials for file in _read(folders, "materials.yaml", _MaterialsFile)]
        ),
        scoring=_read(folders, "scoring.yaml", Scoring)[-1],
        type_rooms={kind: named for file in categories for kind, named in file.type_rooms.items()},
        types=merge_types(_read(folders, "types.yaml", ProductTypes)),
    )
    check_references(vocabulary)
    return vocabulary


F = TypeVar("F")


def _read(folders: Sequence[Path], name: str, kind: type[F]) -> list[F]:
    return [load_strict(folder / name, kind) for folder in folders if folder == PACKAGED or (folder / name).exists()]


def _merge(name: str, layers: Iterable[tuple[Record, ...]]) -> tuple[Record, ...]:
    merged: dict[str, Record] = {}
    for layer in layers:
        seen: set[str] = set()
        for record in layer:
            if record.id in seen:
                raise VocabularyError(f"{name}: id '{record.id}' is given twice; ids must be unique")
            seen.add(record.id)
            merged[record.id] = record
    return tuple(merged.values())


def check_references(vocabulary: Vocabulary) -> None:
    """Raise VocabularyError for a name no record has, an affinity outside 0-1 or weights that do not add up to 1."""
    rooms = {room.id for room in vocabulary.rooms}
    for room in vocabulary.rooms:
        if room.certainty is not None:
            _within(f"room '{room.id}'", {"certainty": room.certainty})
    palettes = {palette.id for palette in vocabulary.palettes}
    materials = {material.id for material in vocabulary.materials}
    for category in vocabulary.categories:
        _known(f"category '{category.id}', rooms", category.rooms, rooms)
        _within(f"category '{category.id}', rooms", category.rooms)
        where = f"category '{category.id}', placements"
        _known(where, category.placements, rooms | {"any"})
        if not category.placements.get("any"):
            raise VocabularyError(f"{where}: needs an 'any' entry for the other rooms")
        check_places(where, category.placements, vocabulary.types)
    for kind, named in vocabulary.type_rooms.items():
        _known(f"type_rooms, {kind}", named, rooms)
    for style in vocabulary.styles:
        _known(f"style '{style.id}', materials", style.materials, materials)
        _known(f"style '{style.id}', palettes", style.palettes, palettes)
        _within(f"style '{style.id}', materials", style.materials)
        _within(f"style '{style.id}', palettes", style.palettes)
    for palette in vocabulary.palettes:
        _known(f"palette '{palette.id}', harmony", palette.harmony, palettes)
        _within(f"palette '{palette.id}', harmony", palette.harmony)
    for material in vocabulary.materials:
        if material.parent is not None:
            _known(f"material '{material.id}', parent", [material.parent], materials)
    check_types(vocabulary.types, rooms)
    _check_weights("scoring, weights", vocabulary.scoring.weights)
    for encoder, weights in vocabulary.scoring.weights_by_encoder.items():
        _check_weights(f"scoring, weights_by_encoder '{encoder}'", weights)


def _check_weights(where: str, weights: dict[str, float]) -> None:
    if not weights:
        return
    total = sum(weights.values())
    if not math.isclose(total, 1.0, abs_tol=1e-6) or min(weights.values()) < 0:
        raise VocabularyError(f"{where}: add up to {total:g}; they must be at least 0 and add up to 1")


def _known(where: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise VocabularyError(f"{where}: '{name}' is not one of {', '.join(sorted(known))}")


def _within(where: str, affinities: dict[str, float]) -> None:
    for name, value in affinities.items():
        if not 0 <= value <= 1:
            raise VocabularyError(f"{where}: '{name}' is {value:g}; it must lie between 0 and 1")
