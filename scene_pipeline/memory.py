"""Keep what the allocators hold for later small, and give it back to the system."""

import ctypes
import gc

_M_ARENA_MAX = -8  # of glibc's malloc.h


def share_arenas() -> None:
    """Let all threads that start from now on allocate from two arenas instead of eight a core, each with its holes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def give_back() -> None:
    """Free objects in cycles, and what Arrow and the C library keep of what was freed before.

    An opened bundle that is left behind leaves holes all over the heap, which glibc never closes by itself.
    """
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)
