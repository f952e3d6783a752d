"""Read the room from the catalog: what is similar to the things in a photograph also says which room they stand in.

Each product votes for the rooms it fits, the more the further its picture lies above what it usually reaches. The votes
for a room are standardized by those that reference scenes give it, so that a catalog full of bedroom furniture does not
find bedrooms everywhere. A photograph that shows a crib may so be read as a children's room, for which the encoder had
no training pictures.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.bundle.layout import ROOM_VOTES
from scene_pipeline.errors import BundleError
from scene_pipeline.files import atomic_path
from scene_pipeline.matching.looks import Looks
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.scenes.signs import weighted

VOTERS = 4096
"""At most this many products vote, drawn evenly: more take time and give the same result."""

WEIGHT = 0.45
"""How much one standard deviation of votes adds to a room's log probability. On 123 IKEA photographs, with .3 to .6
about .72 of the rooms were named right and without votes .68; those of 1,381 other photographs stayed within .01."""

MIN_DEVIATION = 0.04
"""Least deviation of votes: where no product is made for a room, the differences between scenes say nothing."""


@dataclass(frozen=True, slots=True)
class RoomVotes:
    """`looks` are those of the voters [m], `fit` [m, R] how their votes are shared out, `usual` [R, 2] mean and
    deviation of the votes over the reference scenes.
    """

    looks: Looks
    fit: np.ndarray
    usual: np.ndarray

    @classmethod
    def measure(cls, looks: Looks, features: ProductFeatures, reference: np.ndarray) -> "RoomVotes":
        """Return the votes of a catalog, standardized on the windows of reference scenes [s, w, look]."""
        voters = cls(*_voters(looks, features), np.zeros((features.room_fit.shape[1], 2), np.float32))
        if not len(voters.looks):
            return voters
        votes = np.stack([voters._votes(windows) for windows in reference.astype(np.float32)])
        usual = np.stack([votes.mean(axis=0), np.maximum(votes.std(axis=0), MIN_DEVIATION)], axis=1)
        return cls(voters.looks, voters.fit, usual.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write the votes of the reference scenes into a bundle's folder, atomically."""
        with atomic_path(folder / ROOM_VOTES) as temporary, temporary.open("wb") as stream:
            np.save(stream, self.usual)

    @classmethod
    def load(cls, folder: Path, looks: Looks, features: ProductFeatures) -> "RoomVotes":
        """Read what `save` wrote. Raises BundleError when the file is missing or something else."""
        try:
            usual = np.load(folder / ROOM_VOTES, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BundleError(f"{folder}: {ROOM_VOTES} cannot be read ({error}); build the bundle again") from error
        return cls(*_voters(looks, features), usual)

    def applied(self, rooms: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Return the probabilities [R + 1] of rooms and of the null class after the vote on `windows` [w, look].

        The null class keeps its probability; without products that have pictures nothing changes.
        """
        if not len(self.looks):
            return rooms
        mean, deviation = self.usual.T
        return weighted(rooms, np.exp(WEIGHT * (self._votes(windows) - mean) / deviation))

    def _votes(self, windows: np.ndarray) -> np.ndarray:
        """Return the log of each room's share of the votes [R]."""
        above, _ = self.looks.compare(windows)
        weight = np.exp((above - above.mean()) / max(float(above.std()), 1e-6))
        return np.log(weight @ self.fit / weight.sum() + 1e-9)


def _voters(looks: Looks, features: ProductFeatures) -> tuple[Looks, np.ndarray]:
    pictured = np.flatnonzero(features.has_image)
    rows = pictured[np.linspace(0, len(pictured) - 1, min(VOTERS, len(pictured))).astype(int)]
    fit = features.room_fit[rows]
    own = Looks(np.asarray(looks.vectors[rows]), looks.hubness[rows])
    return own, (fit / np.maximum(fit.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
