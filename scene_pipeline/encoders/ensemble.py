"""Several encoders of one bundle: how they are named, and which may come first.

`A,B,C` names an ensemble. The first encoder reads rooms and styles as it does alone; the similarity of products is
blended from all of them. `captions` is a member that compares in words: the phrases nearest to a photograph, or the
sentences of a captioner whose folder is named, `captions//path/to/folder`.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from scene_pipeline.encoders.spec import EncoderSpec, get_spec, slug
from scene_pipeline.encoders.text import MINILM
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_file

CAPTIONS = "captions"
_CAPTION_DIMENSION = 384
"""Numbers of a vector of all-MiniLM-L6-v2, the space in which captions are compared with product texts."""

PHRASES = EncoderSpec(
    id=CAPTIONS,
    family="captions",
    model="nearest phrases",
    weights=MINILM,
    dimension=_CAPTION_DIMENSION,
    input_size=0,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    resize="squash",
    interpolation="bicubic",
    license="Apache-2.0",
    size_mb=None,
    good_for="words beside pictures: the phrases nearest to the photograph, matched with product texts",
)
"""The captions that need no captioner: the first encoder's own nearest phrases."""


def parse_encoders(names: str) -> tuple[EncoderSpec, ...]:
    """Return the specs of comma-separated encoder ids, in their order; one id gives one.

    Raises EncoderError for an id that is unknown or named twice, and for a first one that does not read words.
    """
    ids = [name.strip() for name in names.split(",")]
    if "" in ids:
        raise EncoderError(f"encoder '{names}': has an empty id; write ids with one comma between them")
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        raise EncoderError(f"encoder '{names}': names '{twice}' twice; name each once")
    specs = tuple(captions_spec(id) if id.partition("//")[0] == CAPTIONS else get_spec(id) for id in ids)
    if specs[0].family not in ("compact", "open_clip"):
        raise EncoderError(
            f"encoder '{ids[0]}': compares products only and cannot name a room; name it after one that can: "
            f"compact,{','.join(ids)}"
        )
    return specs


def captions_spec(id: str) -> EncoderSpec:
    """Return the spec of `captions`, or of the captioner in the folder after `captions//`.

    Raises EncoderError when the folder holds no model that transformers wrote.
    """
    _, separator, name = id.partition("//")
    if not separator:
        return PHRASES
    folder = Path(name) if Path(name).exists() else Path("/" + name)
    weights = folder / "model.safetensors"
    try:
        kind = msgspec.json.decode((folder / "config.json").read_bytes(), type=dict[str, object])["model_type"]
        size = weights.stat().st_size
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise EncoderError(
            f"encoder '{id}': {folder} holds no captioner ({error}); it needs config.json and model.safetensors as "
            "transformers writes them"
        ) from error
    return msgspec.structs.replace(
        PHRASES,
        id=id,
        model=str(kind),
        weights=str(folder),
        license="your own checkpoint",
        size_mb=round(size / 1e6, 1),
        good_for="whatever you chose it for",
        revision=sha256_file(weights)[:12],
    )


def ensemble_id(specs: Sequence[EncoderSpec]) -> str:
    """Return the id of encoders that work together: that of the one, or all joined by commas."""
    return ",".join(spec.id for spec in specs)


def ensemble_slug(specs: Sequence[EncoderSpec]) -> str:
    """Return a file name for encoders that work together; it changes with the weights of any of them."""
    return "+".join(slug(spec) for spec in specs)
