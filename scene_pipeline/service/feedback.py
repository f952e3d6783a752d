"""What was shown and what people did with it, written to the event store without holding up an answer."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.errors import EventError
from scene_pipeline.events.erasure import Removal, erase_subject
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.schema import Action, normalized
from scene_pipeline.events.store import EventStore, EventStoreBusyError, Receipt
from scene_pipeline.events.subjects import SubjectIds, subject_ids
from scene_pipeline.learning.serving import ServedList, exposure_of
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.service.documents import EventIn
from scene_pipeline.service.problems import FieldError, Problem
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.settings import EVENTS_URL, SUBJECT_KEY_FILE, text

log = logging.getLogger("scene_pipeline.service")


MAX_SUBJECT = 200
"""Characters of a shop's id of a person, as the document states."""


class Feedback:
    """The event store of the service. Without a subject key subjects are left empty."""

    def __init__(self, store: EventStore, artifacts: Path, subjects: SubjectIds | None) -> None:
        self._store = store
        self._artifacts = artifacts
        self._subjects = subjects

    @classmethod
    def open(cls, settings: ServiceSettings) -> "Feedback":
        """Open the store of the artifacts folder, or of SCENE_PIPELINE_EVENTS_URL. Raises EventError."""
        subjects = subject_ids(events_folder(settings.artifacts))
        return cls(open_store(settings.artifacts, text(EVENTS_URL)), settings.artifacts, subjects)

    def subject(self, shop_id: str) -> str:
        """Return the keyed hash of a shop's id; empty without an id or a key."""
        return self._subjects.subject(shop_id) if self._subjects is not None else ""

    @property
    def knows_people(self) -> bool:
        """Whether there is a key to recognize subjects by."""
        return self._subjects is not None

    def known_subject(self, shop_id: str) -> str:
        """Return the keyed hash of a shop's id. Raises the problem `not-found` without a subject key."""
        if not 1 <= len(shop_id) <= MAX_SUBJECT:
            raise Problem("not-found", f"nobody has an id of {len(shop_id)} characters; ids have 1 to {MAX_SUBJECT}")
        if subject := self.subject(shop_id):
            return subject
        raise Problem(
            "not-found",
            f"no subject key is configured, so nobody is known; set {SUBJECT_KEY_FILE} and start the server again",
        )

    def exposed(self, request_id: str, result: SceneResult, listed: ServedList, **more: str) -> None:
        """Log a list that is about to be shown; `more` are the scene, subject, experiment, arm and intent.

        Returns at once; a failure to write goes to the log.
        """
        exposure = exposure_of(listed, request_id, time.time(), result, weights_version=result.weights_version, **more)
        try:
            self._store.submit([exposure]).add_done_callback(_log_failure)
        except EventStoreBusyError as error:
            log.error("an exposure was not logged: %s", error)

    def submit(self, events: Sequence[EventIn]) -> "list[Future[Receipt]]":
        """Queue events; each future ends when its event is on the disk. Raises the problems `invalid` and `busy`."""
        actions = [self._action(number, event) for number, event in enumerate(events)]
        try:
            return [self._store.submit([action]) for action in actions]
        except EventStoreBusyError as error:
            raise Problem("busy", str(error), headers={"Retry-After": "2"}) from error

    def _action(self, number: int, event: EventIn) -> Action:
        action = Action(
            request_id=event.recommendation_id,
            kind=event.kind,
            product_id=event.product_id,
            at=event.at or 0.0,
            subject=self.subject(event.subject),
            value=event.value,
            action_id=event.event_id,
        )
        try:
            return normalized(action, time.time())
        except EventError as error:
            field = "product_id" if "product_id" in str(error) else "value"
            raise Problem("invalid", str(error), [FieldError(f"$.events[{number}].{field}", str(error))]) from error

    def erase(self, shop_id: str) -> Removal:
        """Erase all events of a shop's id, and the profile. Raises the problem `not-found` without a subject key."""
        subject = self.known_subject(shop_id)
        forget = ProfileStore.below(self._artifacts).forget
        return erase_subject(self._store, events_folder(self._artifacts), subject, forget)

    def close(self) -> None:
        """Write what waits and close the store."""
        self._store.close()


def _log_failure(future: "Future[Receipt]") -> None:
    if (error := future.exception()) is not None:
        log.error("an exposure was not logged: %s", error)
