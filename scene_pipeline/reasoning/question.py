"""What is sent about a scene: the picture made anew, the rendered prompt and the schema, and the hash of all that."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import msgspec
from PIL import Image

from scene_pipeline.files import sha256_bytes
from scene_pipeline.images.decode import decode_image
from scene_pipeline.reasoning.prompts import load_prompt
from scene_pipeline.reasoning.schema import answer_schema
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.vocabulary import Vocabulary

QUALITY = 85
PIXELS_PER_TOKEN = 750
CHARACTERS_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one picture. `id` is the hash of picture, prompt, facts, model and schema: the cache's key."""

    id: str
    prompt: str
    schema: dict[str, Any]

    def messages(self, picture: bytes) -> list[dict[str, Any]]:
        """Return the chat messages, with the picture (JPEG) as a data URL: no server fetches an address for us."""
        url = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        return [
            {"role": "system", "content": self.prompt},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},
        ]

    def response_format(self) -> dict[str, Any]:
        """Return what holds the answer to the schema."""
        return {
            "type": "json_schema",
            "json_schema": {"name": "scene_insights", "strict": True, "schema": self.schema},
        }

    def estimate(self, settings: LlmSettings) -> int:
        """Return about how many tokens the question has; endpoints count differently."""
        text = len(self.prompt) + len(msgspec.json.encode(self.schema))
        return text // CHARACTERS_PER_TOKEN + settings.side**2 // PIXELS_PER_TOKEN


class Questions:
    """The questions that one model is asked in one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, settings: LlmSettings) -> None:
        self._vocabulary = vocabulary
        self._settings = settings
        self._prompt = load_prompt(settings.prompt)
        self._schema = answer_schema(vocabulary)
        self._encoded = msgspec.json.encode(self._schema, order="sorted")

    def about(self, content: str, analysis: SceneAnalysis) -> Question:
        """Return the question about a picture with this content (SHA-256 of its file)."""
        rendered = self._prompt.render(analysis, self._vocabulary)
        parts = [content, self._prompt.version, rendered, self._settings.model, str(self._settings.side)]
        return Question(sha256_bytes(*(part.encode() for part in parts), self._encoded), rendered, self._schema)


def picture_to_send(data: bytes, side: int) -> bytes:
    """Return a picture as JPEG, upright, its long side at most `side`: pixels alone, without EXIF, text or profile.

    Raises ImageError for bytes that are not a picture.
    """
    image = decode_image(data, short_side=side)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    plain = Image.frombytes("RGB", image.size, image.tobytes())
    stream = io.BytesIO()
    plain.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
