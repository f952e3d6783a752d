"""Load image and text towers in torch, from weights on this machine; fetch them where a network allows it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from scene_pipeline.encoders.compact import backbone_file, load_backbone, load_compact
from scene_pipeline.encoders.spec import COMPACT_WEIGHTS, EncoderSpec
from scene_pipeline.errors import EncoderError, one_line

if TYPE_CHECKING:
    import torch

_CONNECT_SECONDS = 10


def load_image_tower(spec: EncoderSpec, folder: Path | None = None) -> "torch.nn.Module":
    """Return the image tower of `spec` in float32 on the CPU, in evaluation mode.

    It takes pixels [n, 3, h, w] as `preprocess` gives them and returns unit vectors [n, dimension]. `folder` holds the
    compact weights (default: the package's own). Never asks the network. Raises EncoderError when the weights are
    missing, altered, or do not fit the model.
    """
    match spec.family:
        case "compact":
            tower = load_compact(spec, folder or COMPACT_WEIGHTS)
        case "efficientnet":
            tower = load_backbone(spec.model)
            tower.reset_classifier(0)  # the pooled features are the vector
        case _:
            tower = load_open_clip(spec).visual
    return _normalized(tower).eval().requires_grad_(False)


def load_open_clip(spec: EncoderSpec) -> Any:
    """Return the whole open_clip model (image and text) of `spec` in evaluation mode, from weights on this machine.

    Raises EncoderError when they are missing (saying how to fetch them and where they belong) or do not fit.
    """
    open_clip = _require_open_clip(spec)
    weights = find_weights(spec)
    tag = open_clip.pretrained.get_pretrained_cfg(spec.model, spec.weights)
    try:
        with offline():
            model = open_clip.create_model(
                spec.model,
                pretrained=str(weights),
                force_quick_gelu=bool(tag.get("quick_gelu", False)),
                weights_only=True,
            )
    except (RuntimeError, OSError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        raise EncoderError(
            f"{weights}: cannot be loaded as '{spec.model}' ({one_line(error)}); fetch or export the weights again"
        ) from error
    return model.eval().requires_grad_(False)


def load_tokenizer(spec: EncoderSpec) -> Any:
    """Return open_clip's tokenizer for `spec`, from this machine. Raises EncoderError when it must be fetched first."""
    open_clip = _require_open_clip(spec)
    try:
        with offline():
            return open_clip.get_tokenizer(spec.model)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise EncoderError(
            f"encoder '{spec.id}': its tokenizer is not on this machine ({one_line(error)}); "
            f"run 'scene-pipeline encoders fetch {spec.id}' where there is a network"
        ) from error


def find_weights(spec: EncoderSpec) -> Path:
    """Return the file that holds the weights of an open_clip `spec`.

    Raises EncoderError when it is not on this machine, saying in one line how to fetch it and where it belongs.
    """
    if "//" in spec.id:
        path = Path(spec.weights)
        if not path.is_file():
            raise EncoderError(f"{path}: the checkpoint of encoder '{spec.id}' is gone; put it back or name another")
        return path
    candidates, place = _cached(spec)
    for path in candidates:
        if path.is_file():
            return path
    raise EncoderError(
        f"encoder '{spec.id}': its weights are not on this machine; run 'scene-pipeline encoders fetch {spec.id}' "
        f"where there is a network, or copy them to {place}"
    )


def is_cached(spec: EncoderSpec) -> bool:
    """Say whether the weights of `spec` are on this machine."""
    if spec.family != "open_clip":
        try:
            here = backbone_file(spec.model).is_file()
        except EncoderError:
            return False
        return here and (spec.family != "compact" or (COMPACT_WEIGHTS / f"{spec.weights}.safetensors").is_file())
    try:
        find_weights(spec)
    except EncoderError:
        return False
    return True


def fetch(spec: EncoderSpec) -> Path:
    """Download the weights (and the tokenizer) of an open_clip `spec` and return the weights file.

    Nothing is downloaded for weights that are here. Raises EncoderError when the network or the host refuses.
    """
    if spec.family == "compact":
        path = COMPACT_WEIGHTS / f"{spec.weights}.safetensors"
        if not path.is_file():
            raise EncoderError(f"{path}: is missing; it ships in the package, so install the package again")
        return path
    if spec.family == "efficientnet":
        return backbone_file(spec.model)
    open_clip = _require_open_clip(spec)
    if not is_cached(spec) and "//" not in spec.id:
        config = open_clip.pretrained.get_pretrained_cfg(spec.model, spec.weights)
        _, place = _cached(spec)
        _download(spec, lambda: open_clip.pretrained.download_pretrained(config), place)
    path = find_weights(spec)
    _download(spec, lambda: open_clip.get_tokenizer(spec.model), "the Hugging Face cache")
    return path


@contextmanager
def offline() -> Iterator[None]:
    """Keep Hugging Face's libraries off the network inside the block, so that loading never waits for a host."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _download(spec: EncoderSpec, action: Any, place: str) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_CONNECT_SECONDS)  # open_clip's plain URL loader sets none and would wait for ever
    try:
        action()
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        raise EncoderError(
            f"encoder '{spec.id}': could not be fetched ({one_line(error)}); check the network, or copy it to {place}"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _cached(spec: EncoderSpec) -> tuple[list[Path], str]:
    """Return the files in which open_clip's loader keeps the weights, best first, and that place in words."""
    import huggingface_hub
    import huggingface_hub.constants

    open_clip = _require_open_clip(spec)
    config: dict[str, str] = open_clip.pretrained.get_pretrained_cfg(spec.model, spec.weights)
    if hub := config.get("hf_hub"):
        repository, filename = os.path.split(hub)
        filename = filename or open_clip.constants.HF_WEIGHTS_NAME
        # open_clip's own loader looks for the safetensors twin first; so does this.
        names = [*open_clip.pretrained._get_safe_alternatives(filename), filename]
        found = [huggingface_hub.try_to_load_from_cache(repository, name) for name in names]
        folder = Path(huggingface_hub.constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
        return [Path(path) for path in found if isinstance(path, str)], f"{folder} ({names[0]})"
    folder = Path("~/.cache/clip").expanduser()
    path = folder / Path(config.get("url", "")).name
    return [path], str(path)


def _normalized(tower: Any) -> "torch.nn.Module":
    import torch

    class NormalizedTower(torch.nn.Module):
        """An image tower whose output is scaled to length 1."""

        def __init__(self) -> None:
            super().__init__()
            self.tower = tower

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            output = self.tower(pixels)
            pooled = output[0] if isinstance(output, tuple) else output  # CoCa gives (pooled, tokens)
            return torch.nn.functional.normalize(pooled, dim=-1)

    return NormalizedTower()


def _require_open_clip(spec: EncoderSpec) -> Any:
    try:
        import open_clip
        import open_clip.constants
        import open_clip.pretrained
    except ModuleNotFoundError as error:
        raise EncoderError(
            f"encoder '{spec.id}': open_clip is not installed; pip install 'scene-pipeline[pipeline]'"
        ) from error
    return open_clip
