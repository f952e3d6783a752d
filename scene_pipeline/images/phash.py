"""Perceptual hashes: pictures that look the same have hashes that differ in few bits."""

import numpy as np
from PIL import Image

_SIZE, _LOW = 32, 8

_n = np.arange(_SIZE)
_DCT = np.cos(np.pi / _SIZE * (_n[None] + 0.5) * _n[:_LOW, None]).astype(np.float32)  # DCT-II, low frequencies


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit pHash of an RGB picture: which low frequencies of its 32×32 grey copy exceed their median."""
    grey = np.asarray(image.convert("L").resize((_SIZE, _SIZE), Image.Resampling.BOX), dtype=np.float32)
    low = (_DCT @ grey @ _DCT.T).ravel()
    bits = low > np.median(low[1:])  # the first is the mean brightness, much larger than all others
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
