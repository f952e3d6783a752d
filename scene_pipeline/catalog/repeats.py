"""Products with the same id: which comes first, whether a later one has the same values, and what differs."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from scene_pipeline.catalog.products import Known
from scene_pipeline.catalog.stored import Rows

_DIGEST = 8


@dataclass(slots=True)
class Repeat:
    """A product whose id an earlier one has.

    first: the place of that one's first row in the table. row: its own row in the file; rejects: its refused rows,
    whose reason is added by `Repeats.explain`.
    """

    first: int
    says_the_same: bool
    known: Known
    row: int = 0
    rejects: list[dict[str, Any]] = field(default_factory=list)


class Repeats:
    """The ids seen so far, in about a hundred bytes each: a hash of the id, the place, a digest of the cells."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.open: list[Repeat] = []

    def find(self, identity: str, place: int, known: Known) -> Repeat | None:
        """Return None for the first product of an id, else the repeat; `explain` states what differs."""
        digest = _hash("\x00".join(_comparable(known)))
        entry = self.seen.setdefault(_hash(identity), place << (8 * _DIGEST) | digest)
        first = entry >> (8 * _DIGEST)
        if first == place:
            return None
        repeat = Repeat(first, entry & ((1 << (8 * _DIGEST)) - 1) == digest, known)
        if not repeat.says_the_same:
            self.open.append(repeat)
        return repeat

    def explain(self, table: Rows) -> None:
        """Add to the rejects of the open repeats which row they repeat and what differs."""
        if not self.open:
            return
        places = np.unique([repeat.first for repeat in self.open])
        rows = dict(zip(places.tolist(), table.take(places).to_pylist(), strict=True))
        for repeat in self.open:
            first = rows[repeat.first]
            pairs = zip(
                repeat.known,
                _comparable({name: first[name] for name in repeat.known}),
                _comparable(repeat.known),
                strict=True,
            )
            differing = [name for name, before, now in pairs if before != now]
            reason = f"row {repeat.row} repeats the id of row {first['row']} with another {', '.join(differing[:4])}"
            for reject in repeat.rejects:
                reject["reason"] = reason
        self.open.clear()


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=_DIGEST).digest())


def _comparable(known: Known) -> list[str]:
    return [" ".join(value.split()) if value else "" for value in known.values()]
