"""Profiles on disk: one readable JSON file for each person, which can be corrected and deleted."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from scene_pipeline.context.context import PERSON_ID
from scene_pipeline.context.person import MAX_TERM_LIFT, Population, Profile
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import fsync, sha256_bytes, write_bytes
from scene_pipeline.paths import CONTEXT_FOLDER, PROFILES_FOLDER

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProfileStore:
    """The profiles below a folder, named by HMAC id, and what everybody buys (`population.json`).

    Deleted people are listed in `excluded.json`, so that the next build from the same sales does not make the profile
    again. The list holds only hashes of HMAC ids.
    """

    folder: Path

    @classmethod
    def below(cls, artifacts: Path) -> "ProfileStore":
        """Return the profiles of an artifacts folder."""
        return cls(artifacts / CONTEXT_FOLDER / PROFILES_FOLDER)

    def path(self, person: str) -> Path:
        """Return the file of a person's profile. Raises ScenePipelineError for what is not an HMAC id."""
        if not PERSON_ID.fullmatch(person):
            raise ScenePipelineError("the person is not an HMAC id of 16 to 64 hexadecimal digits; hash the id first")
        return self.folder / person[:2] / f"{person}.json"

    def get(self, person: str) -> Profile | None:
        """Return a person's profile, None where there is none."""
        path = self.path(person)
        return _decode(path, Profile) if path.is_file() else None

    def population(self) -> Population | None:
        """Return what everybody buys, None before profiles were built."""
        path = self.folder / "population.json"
        return _decode(path, Population) if path.is_file() else None

    def ids(self) -> list[str]:
        """Return the ids of all profiles, ascending."""
        return sorted(path.stem for path in self.folder.glob("??/*.json"))

    def excluded(self) -> set[str]:
        """Return the marks (hashes of ids) of the people whose profile was deleted."""
        path = self.folder / "excluded.json"
        return set(_decode(path, list[str])) if path.is_file() else set()

    def replace_all(self, profiles: Iterable[Profile], population: Population) -> int:
        """Write these profiles and remove all others; return how many there are.

        Corrections stay as they are. A person without purchases whose profile holds corrections keeps it, and a person
        who was deleted gets none.
        """
        excluded, written = self.excluded(), set()
        for profile in profiles:
            if mark_of(profile.id) not in excluded:
                known = self.get(profile.id)
                kept = msgspec.structs.replace(profile, corrections=known.corrections) if known else profile
                self._write(kept)
                written.add(profile.id)
        for person in set(self.ids()) - written:
            known = self.get(person)
            if known is not None and known.corrections:
                self._write(Profile(person, known.updated, corrections=known.corrections))
                written.add(person)
            else:
                self._remove(person)
        write_bytes(self.folder / "population.json", msgspec.json.encode(population, order="sorted"))
        return len(written)

    def correct(self, person: str, term: str, lift: float | None) -> Profile:
        """Set the log-lift that holds for a term in place of the computed one; None removes the correction.

        A person without a profile gets one that holds the correction alone. Raises ScenePipelineError.
        """
        if lift is not None and not -MAX_TERM_LIFT <= lift <= MAX_TERM_LIFT:
            raise ScenePipelineError(f"lift {lift:g} for '{term}' is beyond ±{MAX_TERM_LIFT:g}; give a smaller one")
        if mark_of(person) in self.excluded():
            raise ScenePipelineError(
                "the profile of this person was deleted for good; nothing is kept of them any more"
            )
        known = self.get(person) or Profile(person, dt.date.today())
        if lift is None and term not in known.corrections:
            named = ", ".join(sorted(known.corrections)) or "nothing"
            raise ScenePipelineError(f"'{term}' is not corrected in this profile; it corrects {named}")
        corrections = {name: value for name, value in known.corrections.items() if name != term}
        if lift is not None:
            corrections[term] = lift
        corrected = msgspec.structs.replace(known, corrections=corrections)
        self._write(corrected)
        return corrected

    def delete(self, person: str) -> bool:
        """Delete a person's profile, and keep later builds from making it again; return whether there was one."""
        existed = self.path(person).is_file()
        excluded = sorted(self.excluded() | {mark_of(person)})
        write_bytes(self.folder / "excluded.json", msgspec.json.encode(excluded))
        self._remove(person)
        return existed

    def forget(self, subject: str) -> bool:
        """Delete what is known of a subject of the event store; one whose id is not an HMAC id has no profile."""
        return bool(PERSON_ID.fullmatch(subject)) and self.delete(subject)

    def _write(self, profile: Profile) -> None:
        text = msgspec.json.format(msgspec.json.encode(profile, order="sorted"), indent=1)
        write_bytes(self.path(profile.id), text + b"\n")

    def _remove(self, person: str) -> None:
        path = self.path(person)
        if path.is_file():
            path.unlink()
            fsync(path.parent)


def mark_of(person: str) -> str:
    """Return the mark of a deleted person: a hash, so that no file holds the id."""
    return sha256_bytes(person.encode())[:32]


def _decode(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ScenePipelineError(f"{path}: cannot be read ({error}); correct or delete it") from error
