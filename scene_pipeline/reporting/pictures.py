"""Pictures small enough to travel inside a page: decoded, scaled down and encoded again."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from scene_pipeline.images.decode import decode_image


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


def embed_picture(path: Path, edge: int, quality: int = 72) -> EmbeddedPicture:
    """Return the picture as WebP with its long side at most `edge` pixels; never enlarged.

    Encoding anew drops metadata (where a photograph was taken, by whom). Raises ImageError for a picture that cannot
    be decoded.
    """
    picture = decode_image(path, short_side=edge)  # JPEG is decoded at a scale near the target, which is faster
    picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return EmbeddedPicture(f"data:image/webp;base64,{encoded}", *picture.size)
