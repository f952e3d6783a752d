"""The decoding process: `python -m scene_pipeline.images.worker`. Frames of msgpack in on stdin, out on stdout.

It is a process of its own for two reasons: a picture that crashes or stalls the decoder then costs one row and not the
run, and decoding can use the other cores during the downloads.
"""

import os
import resource
import sys
from typing import BinaryIO, TypeVar

import msgspec

from scene_pipeline.images.normalize import Job, NormalizeSettings, Prepared, prepare

_LENGTH = 4  # bytes of a frame's big-endian length
_MEMORY = 6 * 2**30  # of address space: several times the need of the largest accepted picture

T = TypeVar("T")


def frame(message: object) -> bytes:
    """Return a message as msgpack, preceded by its length."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


def read_frame(stream: BinaryIO, kind: type[T]) -> T | None:
    """Return the next message, or None at the end of the stream."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    return msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")), type=kind)


def main() -> None:
    """Answer jobs until stdin closes: a `NormalizeSettings` first, then for each `Job` a `Prepared`."""
    _limit_memory()
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    recipe = read_frame(stdin, NormalizeSettings)
    while recipe is not None and (job := read_frame(stdin, Job)) is not None:
        try:
            prepared = prepare(job, recipe)
        except OSError as error:
            if error.errno is None:  # PIL's own errors have no number: the picture, not the disk
                prepared = Prepared(
                    reason="broken_image", detail=f"{job.name}: cannot be saved ({error}); save it anew"
                )
            else:
                prepared = Prepared(
                    fatal=f"{recipe.root}: cannot be written ({error.strerror}); free space or fix access"
                )
        try:
            stdout.write(frame(prepared))
            stdout.flush()
        except BrokenPipeError:  # the run was killed; the next run decodes this picture again
            os._exit(0)  # skips the flush at exit, which would fail and print an error


def _limit_memory() -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    main()
