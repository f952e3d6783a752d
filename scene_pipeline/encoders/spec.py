"""What an encoder is: the registry of known ones, and how any other open_clip model or local checkpoint is named."""

import difflib
import importlib.util
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_bytes, sha256_file

SHIPPED = Path(__file__).parent / "shipped"
"""What ships of encoders, a folder each: weights, heads, the reference of scenes and the confidence map."""
COMPACT_WEIGHTS = SHIPPED / "compact"
"""Where the compact encoder's `compact-v2.json` and `compact-v2.safetensors` lie in the package."""

COMPACT_FILE = "compact-v2"
COMPACT_TEMPERATURE = 0.05

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)


class EncoderSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image encoder, completely: enough to load it, to prepare its pictures and to know its vectors again.

    `weights` is an open_clip tag, the path of a checkpoint, or the file name of the compact weights. `revision` is the
    start of a SHA-256 of the weights where one id can stand for changing ones (compact, local checkpoints), else empty:
    vectors of two revisions never mix. `resize` is "crop" (shortest side, then the center) or "squash" (both sides).
    `size_mb` is the size of the weights file, None when unknown. `temperature` divides cosines before a softmax over
    prompts; None means that the weights state their own.

    `look` is how many numbers of a vector compare pictures with pictures, the rest comparing them with words; 0 means
    that one vector serves both. `scene_size` is the side at which a scene is read in windows in one pass; 0 means that
    windows are crops, each read on its own. `rooms` are those whose photographs trained it, so that it says of each how
    likely it is.
    """

    id: str
    family: Literal["compact", "open_clip", "efficientnet", "captions"]
    model: str
    weights: str
    dimension: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Literal["crop", "squash"]
    interpolation: Literal["bicubic", "bilinear"]
    license: str
    size_mb: float | None
    good_for: str
    revision: str = ""
    temperature: float | None = None
    look: int = 0
    scene_size: int = 0
    rooms: tuple[str, ...] = ()


class _CompactFile(msgspec.Struct, frozen=True):
    """`compact-v2.json`, which the trainer writes beside the weights; keys it adds for people are ignored."""

    version: str
    architecture: str
    dimension: int
    input_size: int | tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Literal["crop", "squash"]
    sha256: str
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    temperature: float = COMPACT_TEMPERATURE
    look: int = 0
    scene_size: int = 0
    rooms: tuple[str, ...] = ()
    license: str = "Apache-2.0"


def compact_spec(folder: Path | None = None) -> EncoderSpec:
    """Return the spec of the compact weights in `folder` (default: the package's own).

    Raises EncoderError when `compact-v2.json` is missing or malformed.
    """
    folder = folder or COMPACT_WEIGHTS
    path = folder / f"{COMPACT_FILE}.json"
    try:
        facts = msgspec.json.decode(path.read_bytes(), type=_CompactFile)
    except FileNotFoundError as error:
        raise EncoderError(
            f"{path}: the compact encoder's weights are missing; they ship in the package, so install it again"
        ) from error
    except msgspec.DecodeError as error:
        raise EncoderError(f"{path}: cannot be read ({error}); install the package again") from error
    size = facts.input_size if isinstance(facts.input_size, int) else facts.input_size[-1]
    weights = folder / f"{COMPACT_FILE}.safetensors"
    return EncoderSpec(
        id="compact",
        family="compact",
        model=facts.architecture,
        weights=COMPACT_FILE,
        dimension=facts.dimension,
        input_size=size,
        mean=facts.mean,
        std=facts.std,
        resize=facts.resize,
        interpolation=facts.interpolation,
        license=facts.license,
        size_mb=round(weights.stat().st_size / 1e6, 1) if weights.exists() else None,
        good_for="first runs and demos: ships in the package, needs no network",
        revision=facts.sha256[:12],
        temperature=facts.temperature,
        look=facts.look,
        scene_size=facts.scene_size,
        rooms=facts.rooms,
    )


_HOSTED = (
    EncoderSpec(
        id="efficientnet-lite2",
        family="efficientnet",
        model="tf_efficientnet_lite2",
        weights="9656183e",
        dimension=1280,
        input_size=260,
        mean=_HALF,
        std=_HALF,
        resize="squash",
        interpolation="bicubic",
        license="Apache-2.0",
        size_mb=24.5,
        good_for="a second opinion on what looks alike, beside an encoder that reads words",
    ),
    EncoderSpec(
        id="ViT-B-32/laion2b_s34b_b79k",
        family="open_clip",
        model="ViT-B-32",
        weights="laion2b_s34b_b79k",
        dimension=512,
        input_size=224,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize="crop",
        interpolation="bicubic",
        license="MIT",
        size_mb=605,
        good_for="production on CPUs: fast, and int8 serves it in tens of milliseconds",
    ),
    EncoderSpec(
        id="ViT-B-16/dfn2b",
        family="open_clip",
        model="ViT-B-16",
        weights="dfn2b",
        dimension=512,
        input_size=224,
        mean=_CLIP_MEAN,
        std=_CLIP_STD,
        resize="crop",
        interpolation="bicubic",
        license="Apple's own (see the model's page)",
        size_mb=599,
        good_for="production where its license allows: filtered data (DFN), finer patches than ViT-B-32",
    ),
    EncoderSpec(
        id="ViT-L-14/laion2b_s32b_b82k",
        family="open_clip",
        model="ViT-L-14",
        weights="laion2b_s32b_b82k",
        dimension=768,
        input_size=224,
        mean=_HALF,
        std=_HALF,
        resize="crop",
        interpolation="bicubic",
        license="MIT",
        size_mb=1710,
        good_for="production with a GPU: finer distinctions at about 18 times the work of ViT-B-32",
    ),
    EncoderSpec(
        id="ViT-B-16-SigLIP2-256/webli",
        family="open_clip",
        model="ViT-B-16-SigLIP2-256",
        weights="webli",
        dimension=768,
        input_size=256,
        mean=_HALF,
        std=_HALF,
        resize="squash",
        interpolation="bicubic",
        license="Apache-2.0",
        size_mb=1501,
        good_for="prompts in many languages; its tokenizer is fetched beside the weights",
    ),
    EncoderSpec(
        id="MobileCLIP2-S0/dfndr2b",
        family="open_clip",
        model="MobileCLIP2-S0",
        weights="dfndr2b",
        dimension=512,
        input_size=256,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        resize="crop",
        interpolation="bilinear",
        license="Apple Machine Learning Research Model (research use only)",
        size_mb=299,
        good_for="trials of a small, quick image tower (46 MB); its license allows research only",
    ),
)


def _registry() -> Mapping[str, EncoderSpec]:
    specs = {spec.id: spec for spec in _HOSTED}
    if (COMPACT_WEIGHTS / f"{COMPACT_FILE}.json").exists():
        specs = {"compact": compact_spec()} | specs
    return MappingProxyType(specs)


SPECS: Mapping[str, EncoderSpec] = _registry()
"""The encoders this project names, by id. `get_spec` knows many more."""


def speeds() -> dict[str, float]:
    """Return how many milliseconds of one processor core a picture takes by id, as `benchmarks.encoder_speed` found."""
    path = Path(__file__).with_name("speed.json")
    return msgspec.json.decode(path.read_bytes(), type=dict[str, float])


def get_spec(id: str) -> EncoderSpec:
    """Return the spec of an encoder id.

    An id is one of SPECS, any other `MODEL/TAG` pair that open_clip knows, or `MODEL//path/to/checkpoint.pt` for a
    local checkpoint of an open_clip model. Raises EncoderError that lists near names when it is none of these.
    """
    if id in SPECS:
        return SPECS[id]
    if id == "compact":
        return compact_spec()
    model, separator, path = id.partition("//")
    if separator:
        return _local_spec(id, model, _checkpoint_path(path))
    return _tagged_spec(id)


def slug(encoder: str | EncoderSpec) -> str:
    """Return a folder name for an encoder (a spec, or the id of an image or text encoder).

    Names of encoders whose weights can change under one id carry the revision, so that their vectors never mix.
    """
    if isinstance(encoder, str):
        if encoder != "compact" and "//" not in encoder:
            return _safe(encoder)
        encoder = get_spec(encoder)
    name = f"{encoder.model}/{Path(encoder.weights).stem}" if "//" in encoder.id else encoder.id
    return _safe(f"{name}@{encoder.revision}" if encoder.revision else name)


def shipped_file(slugged: str, kind: str) -> Path:
    """Return where what ships for exactly these weights lies, whether it does or not; `kind` is the end of its name."""
    return SHIPPED / slugged.partition("@")[0] / f"{slugged}.{kind}"


def _checkpoint_path(path: str) -> Path:
    """Return the path after `MODEL//`: absolute without its first slash, as clip-retrieval has it, or relative."""
    absolute = Path("/" + path.lstrip("/"))
    relative = Path(path)
    return relative if path and not absolute.exists() and relative.exists() else absolute


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._@-]", "-", name.replace("/", "--")).lstrip(".") or "-"


def _tagged_spec(id: str) -> EncoderSpec:
    model, _, tag = id.partition("/")
    table = _open_clip_table()
    models = re.findall(r'^    "([^"\n]+)": ?\w', table, re.MULTILINE)
    if table and not (
        model.removesuffix("-quickgelu") in models and re.search(rf'[\s("]{re.escape(tag)}"?\s*[=:]', table)
    ):
        raise EncoderError(_unknown(id, [*SPECS, *models]))  # a typo is said without loading torch
    open_clip = _open_clip()
    known = [f"{name}/{weights}" for name, weights in open_clip.list_pretrained()] if open_clip else []
    if open_clip is None or id not in known:
        raise EncoderError(_unknown(id, [*SPECS, *known]))
    config: dict[str, Any] = open_clip.pretrained.get_pretrained_cfg(model, tag)
    return _from_config(open_clip, config, id, weights=tag, license="see the model's own page")


def _local_spec(id: str, model: str, path: Path) -> EncoderSpec:
    open_clip = _open_clip()
    if open_clip is None:
        raise EncoderError(f"encoder '{id}': open_clip is not installed; pip install 'scene-pipeline[pipeline]'")
    models: list[str] = open_clip.list_models()
    if model not in models:
        near = difflib.get_close_matches(model, models, n=3, cutoff=0.4)
        raise EncoderError(
            f"encoder '{id}': open_clip knows no model '{model}'" + (f"; near names: {', '.join(near)}" if near else "")
        )
    if not path.is_file():
        raise EncoderError(f"encoder '{id}': there is no checkpoint at '{path}'; name the file after 'MODEL//'")
    status = path.stat()
    spec = _from_config(
        open_clip, _checkpoint_config(open_clip, model, path), id, weights=str(path), license="your own checkpoint"
    )
    # How pictures are prepared changes the vectors as the weights do.
    prepared = msgspec.json.encode((spec.mean, spec.std, spec.resize, spec.interpolation))
    weights = _file_sha256(path.resolve(), status.st_size, status.st_mtime_ns)
    return msgspec.structs.replace(
        spec,
        size_mb=round(status.st_size / 1e6, 1),
        revision=sha256_bytes(weights.encode(), prepared)[:12],
    )


def _checkpoint_config(open_clip: Any, model: str, path: Path) -> dict[str, Any]:
    """Return how the pictures of a checkpoint are prepared, as open_clip's own tables state it.

    `open_clip_config.json` beside the file says so (models from the Hugging Face hub have it), else the tag that the
    file's name contains, else the model's first tag: a fine-tuned checkpoint expects the pictures its model was first
    trained on.
    """
    beside = path.parent / "open_clip_config.json"
    if beside.is_file():
        try:
            return msgspec.json.decode(beside.read_bytes(), type=dict[str, dict[str, Any]])["preprocess_cfg"]
        except (OSError, msgspec.DecodeError, KeyError) as error:
            raise EncoderError(f"{beside}: states no preprocess_cfg ({error}); fix or remove it") from error
    tags: list[str] = open_clip.pretrained.list_pretrained_tags_by_model(model)
    named = [tag for tag in tags if tag in path.name]
    chosen = max(named, key=len) if named else next(iter(tags), None)
    return open_clip.pretrained.get_pretrained_cfg(model, chosen) if chosen else {}


def _from_config(open_clip: Any, config: dict[str, Any], id: str, weights: str, license: str) -> EncoderSpec:
    model = id.partition("/")[0]
    model_config: dict[str, Any] = open_clip.get_model_config(model)
    size = model_config["vision_cfg"].get("image_size", 224)
    if not isinstance(size, int):
        if len(set(size)) != 1:
            raise EncoderError(f"encoder '{id}': its input is not square; choose a model with a square input")
        size = size[0]
    return EncoderSpec(
        id=id,
        family="open_clip",
        model=model,
        weights=weights,
        dimension=model_config["embed_dim"],
        input_size=size,
        mean=tuple(config.get("mean", _CLIP_MEAN)),
        std=tuple(config.get("std", _CLIP_STD)),
        resize="squash" if config.get("resize_mode") == "squash" else "crop",
        interpolation=config.get("interpolation", "bicubic"),
        license=license,
        size_mb=None,
        good_for="whatever you chose it for",
    )


def _open_clip_table() -> str:
    """Return the text of open_clip's table of models and tags, empty where it is not installed or loaded already.

    Importing open_clip takes seconds, and a typo is to be found before them. Once it is loaded, its own table is the
    one to search: models can be added to it at run time.
    """
    if "open_clip" in sys.modules:
        return ""
    try:
        found = importlib.util.find_spec("open_clip")
    except ModuleNotFoundError:
        return ""
    table = Path(found.origin).with_name("pretrained.py") if found and found.origin else None
    return table.read_text(encoding="utf-8") if table and table.is_file() else ""


def _open_clip() -> Any:
    try:
        import open_clip
        import open_clip.pretrained
    except ModuleNotFoundError:
        return None  # a serving process: only the registry is known there
    return open_clip


def _unknown(id: str, known: list[str]) -> str:
    near = difflib.get_close_matches(id, known, n=4, cutoff=0.5)
    if not near:
        near = [name for name in known if id.lower() and id.lower() in name.lower()][:4] or list(SPECS)
    return f"encoder '{id}' is unknown; near names: {', '.join(near)} (or MODEL//path/to/checkpoint.pt)"


@lru_cache(maxsize=8)
def _file_sha256(path: Path, size: int, modified: int) -> str:
    """Return the file's SHA-256; size and time are arguments so that a changed file is read again."""
    return sha256_file(path)
