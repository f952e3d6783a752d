"""What is known of a person: to read, to correct and to delete."""

import threading
from pathlib import Path

from scene_pipeline.context.context import Context
from scene_pipeline.context.person import price_limit
from scene_pipeline.context.profiles import ProfileStore
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
        terms = [
            TermOut(
                term=term,
                name=term.split(":")[-1].replace("_", " "),
                lift=round(lift, 2),
                chosen=profile.terms.get(term, 0.0),
                corrected=term in profile.corrections,
            )
            for term, lift in model.person_terms(profile)[:MAX_TERMS]
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
            for term, lift in patch.corrections.items():
                if lift is None and term not in stated:
                    raise _invalid(term, "is not corrected, so that nothing can be taken back")
                if lift is not None and not model.has_term(term):
                    raise _invalid(term, "is not a term of any product")
            for term, lift in patch.corrections.items():
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
