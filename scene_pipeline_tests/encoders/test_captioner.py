"""A captioner is loaded as transformers writes it: here a very small BLIP of random weights, made by the test."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.encoders.captioner import Captioner
from scene_pipeline.encoders.ensemble import captions_spec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.errors import EncoderError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "a", "room", "with", "sofa", "oak", "table", "lamp"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioner's folder: configuration, weights in safetensors, vocabulary and preprocessing."""
    import torch
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    target = tmp_path_factory.mktemp("captioner")
    (target / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = BertTokenizer(vocab_file=str(target / "vocab.txt"))
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokens = {"bos_token_id": 5, "eos_token_id": 3, "pad_token_id": 0, "sep_token_id": 3}
    config = BlipConfig(
        text_config={**small, **tokens, "vocab_size": len(WORDS), "encoder_hidden_size": 16, "projection_dim": 16},
        vision_config={**small, "image_size": 32, "patch_size": 16, "projection_dim": 16},
        projection_dim=16,
    )
    torch.manual_seed(3)
    BlipForConditionalGeneration(config).save_pretrained(target, safe_serialization=True)
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(target)
    return target


@pytest.fixture(scope="module")
def captioner(folder: Path, minilm: TextEncoder) -> Captioner:
    """The captioner, open."""
    return Captioner.open(captions_spec(f"captions/{folder}"), minilm)


def test_a_picture_gets_the_same_words_each_time(captioner: Captioner, photos: list[Image.Image]) -> None:
    said = captioner.captions(photos[:3])
    assert said == captioner.captions(photos[:3])
    assert len(said) == 3
    assert {word for text in said for word in text.split()} <= set(WORDS)


def test_a_scene_is_described_whole_and_by_its_quarters(captioner: Captioner, photos: list[Image.Image]) -> None:
    vectors = captioner.describe(photos[0])
    assert vectors.shape == (5, captioner.text.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_damaged_weights_and_pickles_are_one_line(folder: Path, minilm: TextEncoder, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spec = captions_spec(f"captions/{tmp_path}")
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EncoderError, match="cannot be loaded as a captioner"):
        Captioner.open(spec, minilm)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="cannot be loaded as a captioner"):
        Captioner.open(spec, minilm)
