"""A date, a place and a person over HTTP: they move the order, say why, and the person decides what is known."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.events.open import open_store
from scene_pipeline.events.subjects import SubjectIds
from scene_pipeline.paths import CONTEXT_FOLDER, CONTEXT_WEIGHTS
from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.settings import SUBJECT_KEY_FILE
from scene_pipeline_tests.service.conftest import BASE, LIBRARY_SCENE, SCENE

KEY = b"a key of at least sixteen bytes"
ANNA = "anna@example.com"
PERSON = SubjectIds(KEY).subject(ANNA)
MAY = {"date": "2026-05-01", "country": "GB"}


@pytest.fixture(scope="module")
def artifacts(promoted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts in which the context counts much, so that it shows on a small sample."""
    own = tmp_path_factory.mktemp("context")
    for name in ("bundles", "images"):
        (own / name).symlink_to(promoted / name)
    (own / CONTEXT_FOLDER).mkdir()
    (own / CONTEXT_FOLDER / CONTEXT_WEIGHTS).write_text("{season: 3, trend: 3, person: 3}")
    return own


@pytest.fixture(scope="module")
def service(
    artifacts: Path, token_file: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_bytes(KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SUBJECT_KEY_FILE, str(key))
        path, _ = token_file
        app = create_app(ServiceSettings(artifacts, workers=1, max_wait_s=60, deadline_s=60, tokens=str(path)))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def call(service: TestClient, token_file: tuple[Path, dict[str, str]]) -> Any:
    def send(method: str, path: str, scope: str, **more: Any) -> Any:
        return service.request(method, path, headers={"Authorization": f"Bearer {token_file[1][scope]}"}, **more)

    return send


@pytest.fixture
def ask(call: Any) -> Any:
    def send(**request: Any) -> dict[str, Any]:
        answer = call("POST", "/v1/recommendations", "recommend", json={"library_scene": LIBRARY_SCENE, **request})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def order(answer: dict[str, Any]) -> list[tuple[str, float]]:
    return [(item["product_id"], item["confidence"]) for item in answer["items"]]


def test_a_date_moves_the_order_says_why_and_leaves_every_confidence(ask: Any) -> None:
    plain, lifted = ask(k=20), ask(k=20, **MAY)
    assert plain["context"] is None
    assert all(item["context"] is None for item in plain["items"])
    assert lifted["context"] == {**MAY, "hemisphere": None, "channel": None, "person": False}
    moved = [item["context"] for item in lifted["items"] if item["context"]["moved"] > 0]
    assert moved
    assert moved[0]["sentence"].startswith(f"moved up {moved[0]['moved']} place")
    assert ": " in moved[0]["sentence"]
    confidence = dict(order(plain))
    assert all(abs(value - confidence.get(name, value)) < 1e-6 for name, value in order(lifted))


def test_one_call_with_the_picture_takes_the_same_context(call: Any, ask: Any) -> None:
    one = call(
        "POST",
        "/v1/recommendations:from-image?k=10&date=2026-05-01&country=GB",
        "recommend",
        content=SCENE.read_bytes(),
    ).json()
    assert order(one) == order(ask(**MAY))
    assert one["context"]["country"] == "GB"


def test_the_context_of_a_list_is_logged_as_answered_and_names_nobody(ask: Any, artifacts: Path) -> None:
    answers = [ask(**MAY, channel="web", subject=ANNA), ask()]
    logged: dict[str, Any] = {}
    for _ in range(600):  # exposures are written behind the answer
        store = open_store(artifacts)
        logged = {item.event.event_id: item.event for day in store.days() for item in store.read(day)}
        store.close()
        if all(answer["recommendation_id"] in logged for answer in answers):
            break
        time.sleep(0.1)
    first, second = (logged[answer["recommendation_id"]] for answer in answers)
    assert (first.date, first.country, first.hemisphere, first.channel) == ("2026-05-01", "GB", "", "web")
    assert (first.subject, first.personal) == (PERSON, answers[0]["context"]["person"])
    assert (second.date, second.country, second.channel, second.subject, second.personal) == ("", "", "", "", False)
    assert ANNA not in str(first)


def test_somebody_unknown_gets_exactly_the_impersonal_list(ask: Any) -> None:
    assert order(ask(subject="a stranger")) == order(ask())


def test_a_person_states_a_taste_reads_it_takes_it_back_and_deletes_all(call: Any, ask: Any, artifacts: Path) -> None:
    path = f"/v1/profiles/{ANNA}"
    assert call("GET", path, "profile").status_code == 404
    stated = call("PATCH", path, "profile", json={"corrections": {"category:botanicals": 3, "oak": -1}})
    assert stated.status_code == 200, stated.text
    terms = {term["term"]: term for term in stated.json()["terms"]}
    assert (terms["category:botanicals"]["lift"], terms["category:botanicals"]["corrected"]) == (3.0, True)
    assert terms["oak"]["lift"] == -1.0, "one row for the word and the material"
    assert "material:oak" not in terms
    assert stated.json()["summary"] == "for you: botanicals"
    personal = ask(subject=ANNA)
    assert personal["items"][0]["category"] == "botanicals"
    assert personal["for_you"] == "for you: botanicals"
    assert personal["context"]["person"] is True
    assert any("for you: botanicals" in item["context"]["sentence"] for item in personal["items"])
    assert ANNA not in str(personal)
    assert PERSON not in str(personal)

    back = call("PATCH", path, "profile", json={"corrections": {"oak": None}}).json()
    assert [term["term"] for term in back["terms"]] == ["category:botanicals"]
    assert call("DELETE", path, "profile").json() == {"deleted": True}
    assert order(ask(subject=ANNA)) == order(ask())
    gone = call("PATCH", path, "profile", json={"corrections": {"oak": 1}})
    assert (gone.status_code, "deleted for good" in gone.json()["detail"]) == (422, True)
    assert not [file for file in artifacts.rglob("context/**/*.json") if PERSON in file.read_text()]


def test_erasing_a_subject_erases_the_profile_too(call: Any, artifacts: Path) -> None:
    call("PATCH", "/v1/profiles/bert", "profile", json={"corrections": {"oak": 1}})
    assert call("DELETE", "/v1/subjects/bert", "admin").json() == {"erased": 0, "profile": True}
    assert ProfileStore.below(artifacts).get(SubjectIds(KEY).subject("bert")) is None


@pytest.mark.parametrize(
    ("corrections", "names"),
    [
        ({"oak": 9}, "corrections"),
        ({"no such word": 1}, "'no such word': is not a term"),
        ({"oak": 1, "pine": None}, "'pine': is not corrected"),
        ({}, "corrections"),
    ],
)
def test_a_wrong_correction_is_named_and_nothing_is_changed(call: Any, corrections: dict[str, Any], names: str) -> None:
    answer = call("PATCH", "/v1/profiles/cleo", "profile", json={"corrections": corrections})
    assert answer.status_code == 422
    assert names in answer.json()["detail"]
    assert call("GET", "/v1/profiles/cleo", "profile").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_token_without_the_scope_reads_nobodys_profile(call: Any, method: str) -> None:
    assert call(method, f"/v1/profiles/{ANNA}", "recommend").status_code == 403


@pytest.mark.parametrize(
    "context",
    [{"date": "2026-02-31"}, {"date": "1 May"}, {"country": "gb"}, {"country": "GBR"}, {"hemisphere": "east"},
     {"channel": "a b"}],
)  # fmt: skip
def test_a_wrong_context_is_named(call: Any, context: dict[str, str]) -> None:
    answer = call("POST", "/v1/recommendations", "recommend", json={"library_scene": LIBRARY_SCENE, **context})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"$.{next(iter(context))}"


def test_without_a_key_nobody_is_known(client: TestClient) -> None:
    assert client.get("/v1/vocabulary").json()["profiles"] is False
    answer = client.get(f"/v1/profiles/{ANNA}")
    assert answer.status_code == 404
    assert SUBJECT_KEY_FILE in answer.json()["detail"]
    ask = {"library_scene": LIBRARY_SCENE, "subject": ANNA}
    assert client.post("/v1/recommendations", json=ask).json()["context"] is None


def test_the_lookbook_says_for_when_it_is_ordered_and_what_moved(call: Any) -> None:
    wanted = json.dumps({"library_scene": LIBRARY_SCENE, **MAY})
    page = call("POST", "/v1/lookbooks", "recommend", params={"request": wanted})
    assert page.status_code == 200, page.text
    assert "Ordered for 1 May 2026, in GB" in page.text
    assert "Moved up " in page.text
