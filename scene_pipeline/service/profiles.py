"""What is known of a person: to read, to correct and to delete."""

import threading
from pathlib import Path

from scene_pipeline.context.context import Context
from scene_pipeline.context.person import price_limit
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.terms import name_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.service.documents import ProfileOut, ProfilePatch, TermOut
from scene_pipeline.service.problems import FieldError, Problem
from scene_pipeline.service.served import Served

MAX_TERMS = 60
"""Terms of a profile that are shown: corrections, then the most telling."""


class Profiles:
    """The profiles of the artifacts folder. People are named by the keyed hash of the shop's id."""

    def __init__(self, artifacts: Path) -> None:
        self._store = ProfileStore.below(artifacts)
        self._lock = threading.Lock()

    def read(self, served: Served, person: str) -> ProfileOut:
        """Return what is known of a person. Raises the problem `not-found` where nothing is."""
        profile = self._store.get(person)
        if profile is None:
            raise Problem("not-found", "nothing is known of this person")
        model = served.matcher.context_model()
        named: dict[str, list[tuple[str, float]]] = {}
        for term, lift in model.person_terms(profile):
            named.setdefault(name_of(term), []).append((term, lift))
        terms = [
            TermOut(
                term=same[0][0] if len(same) == 1 else name,
                name=name,
                lift=round(same[0][1], 2),
                chosen=max(profile.terms.get(term, 0.0) for term, _ in same),
                corrected=same[0][0] in profile.corrections,
            )
            for name, same in list(named.items())[:MAX_TERMS]
        ]
        return ProfileOut(
            summary=model.describe(Context(person=person)),
            updated=profile.updated.isoformat(),
            chosen=profile.purchases,
            weight=round(profile.weight, 3),
            usual_price=price_limit(profile),
            terms=terms,
        )

    def correct(self, served: Served, person: str, patch: ProfilePatch) -> ProfileOut:
        """Apply corrections, all or none, and return the profile. Raises the problem `invalid` naming the term."""
        model = served.matcher.context_model()
        with self._lock:
            known = self._store.get(person)
            stated = {} if known is None else known.corrections
            changes: list[tuple[str, float | None]] = []
            for text, lift in patch.corrections.items():
                terms = [term for term in model.terms_named(text) or [text] if lift is not None or term in stated]
                if lift is None and not terms:
                    raise _invalid(text, "is not corrected, so that nothing can be taken back")
                if lift is not None and not model.terms_named(text):
                    raise _invalid(text, "is not a term of any product")
                changes += [(term, lift) for term in terms]
            for term, lift in changes:
                try:
                    self._store.correct(person, term, lift)
                except ScenePipelineError as error:
                    raise _invalid(term, str(error)) from error
        return self.read(served, person)

    def delete(self, person: str) -> bool:
        """Delete a person's profile for good; return whether there was one."""
        with self._lock:
            return self._store.delete(person)


def _invalid(term: str, message: str) -> Problem:
    return Problem("invalid", f"'{term}': {message}", [FieldError("$.corrections", f"'{term}': {message}")])
