"""The image encoder of a matcher that threads share: a call that is alone uses all cores, calls side by side one each.

Side by side, the encoder's own threads would only take cores from other calls, which costs 3 to 10% of all answers.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.errors import EncoderError


class SharedEncoder:
    """`encoder` uses all cores, or `threads`; a second one with one thread is opened when calls first come together.

    The second takes 50 to 90 MB more. Both give the same numbers, bit for bit.
    """

    def __init__(self, encoder: OnnxImageEncoder, path: Path, threads: int | None) -> None:
        self.encoder = encoder
        self._path = path
        self._one_thread = encoder if threads == 1 else None
        self._lock = threading.Lock()
        self._calls = 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Count a call of the matcher for as long as it takes."""
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def now(self) -> OnnxImageEncoder:
        """Return the encoder for a picture that is read now, by one of the counted calls."""
        with self._lock:
            if self._calls <= 1:
                return self.encoder
            if self._one_thread is None:
                try:
                    self._one_thread = OnnxImageEncoder.unchecked(self._path, self.encoder.spec, threads=1)
                except EncoderError:  # the bundle's folder was pruned; what was opened of it still answers
                    self._one_thread = self.encoder
            return self._one_thread
