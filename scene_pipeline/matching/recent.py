"""Keep the results of the last scenes: a person changes the request many times for one scene."""

import hashlib
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")

KEPT_SCENES = 16
"""Scenes whose results are kept: a comparison with all products takes 4 bytes a product."""


class Recent(Generic[T]):
    """The last results, by key. Safe to share between threads."""

    def __init__(self) -> None:
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> T | None:
        """Return the result of a key, or None where it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: bytes, value: T) -> None:
        """Keep a result; the oldest one goes where there are too many."""
        with self._lock:
            self._values[key] = value
            if len(self._values) > KEPT_SCENES:
                self._values.popitem(last=False)


def key_of(*arrays: np.ndarray) -> bytes:
    """Return a key that differs for other contents of the arrays."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
