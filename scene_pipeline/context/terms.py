"""The terms of a product: the words of its text and, with a prefix, its facts (`style:boho`, `brand:acme`)."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.errors import BundleError
from scene_pipeline.files import atomic_path

STOP_WORDS = frozenset(
    {
        "and", "are", "assorted", "for", "from", "has", "have", "its", "large", "medium", "mini", "pack", "pcs",
        "piece", "set", "small", "the", "this", "with", "you", "your",
    }
)  # fmt: skip

_WORD = re.compile(r"[^\W\d_]{3,}")


def words_of(text: str) -> set[str]:
    """Return the words of a text that describe a product: lower case, plurals as singular, stop words left out."""
    words = (_singular(word) for word in _WORD.findall(text.lower().replace("'", "").replace("’", "")))
    return {word for word in words if word not in STOP_WORDS}


def name_of(term: str) -> str:
    """Return a term as people read it: "mid century modern" for "style:mid_century_modern"."""
    return term.rpartition(":")[2].replace("_", " ")


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "saiu" else word


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """Which terms each of n products has, as a compressed sparse matrix.

    `names` [T] are the terms, ascending; the terms of product i are `indices[starts[i] : starts[i + 1]]`.
    """

    names: np.ndarray  # str [T]
    starts: np.ndarray  # int64 [n + 1]
    indices: np.ndarray  # int32 [nnz]

    @classmethod
    def of(cls, products: Iterable[Iterable[str]]) -> "ProductTerms":
        """Return the terms of products, each given as its terms."""
        sets = [sorted(set(terms)) for terms in products]
        names = sorted({term for terms in sets for term in terms})
        position = {term: index for index, term in enumerate(names)}
        starts = np.concatenate([[0], np.cumsum([len(terms) for terms in sets], dtype=np.int64)])
        indices = np.array([position[term] for terms in sets for term in terms], dtype=np.int32)
        return cls(np.array(names, dtype=np.str_), starts.astype(np.int64), indices)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def values(self, by_term: dict[str, float]) -> np.ndarray:
        """Return one value per term [T]: that of `by_term`, else 0."""
        return np.array([by_term.get(name, 0.0) for name in self.names.tolist()], dtype=np.float64)

    def pick(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the terms of `rows` [m] end to end, and for each the position in `rows` it belongs to."""
        rows = np.asarray(rows, dtype=np.int64)
        counts = self.starts[rows + 1] - self.starts[rows]
        owner = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.indices[self.starts[rows][owner] + within], owner

    def lift(self, values: np.ndarray, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """Return the lift of products [m] from `values` [T] of terms: sum over square root of the count.

        The root is between a sum, in which long texts win, and a mean, in which one strong word among many is lost.
        Products without terms get 0.
        """
        rows = np.arange(len(self)) if rows is None else rows
        terms, owner = self.pick(rows)
        count = np.bincount(owner, minlength=len(rows))
        return np.bincount(owner, weights=values[terms], minlength=len(rows)) / np.sqrt(np.maximum(count, 1))

    def counts(self, products: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return how often each term [T] occurs among `products` (rows, repeated as often as they count)."""
        terms, owner = self.pick(products)
        return np.bincount(
            terms, weights=None if weights is None else weights[owner], minlength=len(self.names)
        ).astype(np.float64)

    def save(self, path: Path) -> None:
        """Write the arrays as one .npz, atomically."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, names=self.names, starts=self.starts, indices=self.indices)

    @classmethod
    def load(cls, path: Path) -> "ProductTerms":
        """Read what `save` wrote. Raises BundleError."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(arrays["names"], arrays["starts"], arrays["indices"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path.name}: cannot be read ({error}); build the bundle again") from error
