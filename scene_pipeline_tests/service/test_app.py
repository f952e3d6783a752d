"""The calls over HTTP, in this process: what they answer and what they refuse."""

import datetime as dt
import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.service.work import WorkPool
from scene_pipeline_tests.service.conftest import BASE, LIBRARY_SCENE, SCENE
from scene_pipeline_tests.service.pictures import jpeg_of_single_components

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def scene_id(client: TestClient) -> str:
    answer = client.post("/v1/scenes", content=SCENE.read_bytes(), headers=JPEG)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/scenes/{answer.json()['scene_id']}"
    return answer.json()["scene_id"]


def ask(client: TestClient, **request: Any) -> dict[str, Any]:
    answer = client.post("/v1/recommendations", json={"k": 5, **request})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_picture_is_read_and_ranked_in_one_turn(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    run = WorkPool.run

    async def counted(pool: WorkPool, kind: str, job: Callable[[], Any], deadline: float) -> Any:
        turns.append(kind)
        return await run(pool, kind, job, deadline)

    monkeypatch.setattr(WorkPool, "run", counted)
    answer = client.post("/v1/recommendations:from-image?k=3", content=SCENE.read_bytes())
    assert answer.status_code == 200, answer.text
    assert turns == ["analyze rank"]
    assert [part.split(";")[0] for part in answer.headers["Server-Timing"].split(", ")] == ["analyze", "rank"]


def test_a_scene_is_read_and_kept_for_a_time(client: TestClient, scene_id: str) -> None:
    answer = client.get(f"/v1/scenes/{scene_id}").json()
    assert dt.datetime.fromisoformat(answer["expires_at"]) > dt.datetime.now(dt.UTC)
    assert answer["scene"]["room"]["value"] in answer["scene"]["room"]["distribution"]
    assert client.get("/v1/scenes/none").status_code == 404


def test_a_list_has_what_people_need_to_know(client: TestClient, scene_id: str) -> None:
    answer = client.post("/v1/recommendations", json={"scene_id": scene_id, "k": 3})
    assert "rank;dur=" in answer.headers["server-timing"]
    body = answer.json()
    assert [item["rank"] for item in body["items"]] == [1, 2, 3]
    item = body["items"][0]
    assert item["title"]
    assert item["subtitle"] not in ("", item["title"])
    assert item["price"] > 0
    assert item["brand"]
    assert client.get(item["image"]).headers["content-type"] == "image/jpeg"
    product = client.get(f"/v1/products/{item['product_id']}").json()
    assert {name: item[name] for name in product} == product


def test_one_call_answers_as_two_do(client: TestClient, scene_id: str) -> None:
    two = ask(client, scene_id=scene_id, wishes={"colors": ["blue"], "max_price": 200})
    one = client.post(
        "/v1/recommendations:from-image?k=5&color=blue&max_price=200", content=SCENE.read_bytes(), headers=JPEG
    ).json()
    library = ask(client, library_scene=LIBRARY_SCENE, wishes={"colors": ["blue"], "max_price": 200})
    ids = [[item["product_id"] for item in answer["items"]] for answer in (two, one, library)]
    assert ids[0] == ids[1] == ids[2]


def test_corrections_move_the_list(client: TestClient, scene_id: str) -> None:
    before = ask(client, scene_id=scene_id)
    room = "bathroom" if before["scene"]["room"]["value"] != "bathroom" else "living_room"
    after = ask(client, scene_id=scene_id, corrections={"room": room})
    assert (after["scene"]["room"]["value"], after["scene"]["room"]["confidence"]) == (room, 1.0)
    assert [item["product_id"] for item in before["items"]] != [item["product_id"] for item in after["items"]]


def test_pinned_products_keep_their_place_and_rejected_ones_are_gone(client: TestClient, scene_id: str) -> None:
    first = ask(client, scene_id=scene_id)["items"]
    pinned, rejected = first[0]["product_id"], first[1]["product_id"]
    again = ask(
        client, scene_id=scene_id, pinned=[{"product_id": pinned, "rank": 4}], rejected=[rejected]
    )["items"]  # fmt: skip
    assert [item["product_id"] for item in again if item["pinned"]] == [pinned]
    assert again[3]["product_id"] == pinned
    assert rejected not in {item["product_id"] for item in again}
    assert len(again) == 5


def test_a_pinned_product_stays_whatever_is_wished(client: TestClient, scene_id: str) -> None:
    first = ask(client, scene_id=scene_id)["items"]
    dearest = max(first, key=lambda item: item["price"])
    again = ask(
        client,
        scene_id=scene_id,
        pinned=[{"product_id": dearest["product_id"], "rank": 2}],
        wishes={"max_price": dearest["price"] - 1},
    )["items"]
    assert again[1]["product_id"] == dearest["product_id"]
    assert all(item["price"] < dearest["price"] for item in again if not item["pinned"])


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        ({"k": 0}, 422, "$.k"),
        ({"k": -3}, 422, "$.k"),
        ({"k": 101}, 422, "$.k"),
        ({"intent": "guess"}, 422, "$.intent"),
        ({"budget": 100}, 422, "$.budget"),
        ({"intent": "furnish"}, 422, "$.budget"),
        ({"intent": "furnish", "budget": 900, "must": {"spaceship": 1}}, 422, "$.wishes"),
        ({"intent": "match", "rejected": ["1"]}, 422, "$.rejected"),
        ({"wishes": {"style": "x" * 2000}}, 422, "$.wishes.style"),
        ({"wishes": {"style": "cubist"}}, 422, "$.wishes.style"),
        ({"wishes": {"min_price": -1}}, 422, "$.wishes.min_price"),
        ({"wishes": {"min_price": 9, "max_price": 1}}, 422, "$.wishes"),
        ({"wishes": {"max_price": 0.001}}, 422, "$.wishes"),
        ({"wishes": {"colors": ["sky"]}}, 422, "$.wishes"),
        ({"wishes": {"unheard": 1}}, 422, "$.wishes"),
        ({"weights": {"charm": 1}}, 422, "$.weights"),
        ({"weights": {"base_similarity": -1}}, 422, "$.weights[...]"),
        ({"corrections": {"room": "garage"}}, 422, "$.corrections.room"),
        ({"pinned": [{"product_id": "a", "rank": 50}]}, 422, "$.pinned"),
        ({"pinned": [{"product_id": "a", "rank": 1}, {"product_id": "a", "rank": 2}]}, 422, "$.pinned"),
        ({"pinned": [{"product_id": "a", "rank": 1}], "rejected": ["a"]}, 422, "$.pinned"),
        ({"library_scene": "a/b"}, 422, "$.scene_id"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, scene_id: str, request_: dict[str, Any], status: int, field: str
) -> None:
    answer = client.post("/v1/recommendations", json={"scene_id": scene_id, **request_})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert "x" * 100 not in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"k": NaN}', b'"\xff"', b'{"scene_id": 3}'])
def test_a_body_that_is_none_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/recommendations", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def picture(size: tuple[int, int], kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (90, 120, 60)).save(stream, kind, quality=30)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"<html></html>", 415),
        (SCENE.read_bytes()[:200], 415),
        (picture((4000, 3100), "WEBP"), 413),
        (jpeg_of_single_components(8000, 6250), 413),
        (b"\xff\xd8\xff" + bytes(21_000_000), 413),
    ],
    ids=["empty", "html", "cut", "pixels", "scans", "bytes"],
)
def test_pictures_are_refused_before_they_are_decoded(client: TestClient, content: bytes, status: int) -> None:
    answer = client.post("/v1/scenes", content=content, headers=JPEG)
    assert answer.status_code == status, answer.text


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_telephone_s_108_megapixels_are_read(client: TestClient) -> None:
    answer = client.post("/v1/scenes", content=picture((12_000, 9_000), "JPEG"), headers=JPEG)
    assert answer.status_code == 201, answer.text


def test_an_event_is_stored_once_and_another_body_is_a_conflict(client: TestClient, scene_id: str) -> None:
    answer = ask(client, scene_id=scene_id)
    event = {
        "event_id": uuid.uuid4().hex,
        "recommendation_id": answer["recommendation_id"],
        "kind": "like",
        "product_id": answer["items"][0]["product_id"],
    }
    sent = [client.post("/v1/events", json={"events": [event]}) for _ in range(2)]
    assert [one.status_code for one in sent] == [202, 202]
    assert [one.json()["events"][0]["status"] for one in sent] == ["stored", "duplicate"]
    conflict = client.post("/v1/events", json={"events": [{**event, "kind": "reject"}]})
    assert conflict.status_code == 409
    assert conflict.json()["errors"][0]["field"] == "$.events[0].event_id"
    many = client.post("/v1/events", json={"events": [event] * 101})
    assert many.status_code == 413
    missing = client.post("/v1/events", json={"events": [{**event, "event_id": "x1", "product_id": ""}]})
    assert missing.json()["errors"][0]["field"] == "$.events[0].product_id"


def test_products_their_pictures_and_the_page_have_an_etag(client: TestClient, scene_id: str) -> None:
    item = ask(client, scene_id=scene_id)["items"][0]
    for path in (item["image"], f"/v1/products/{item['product_id']}", "/static/page.js"):
        tag = client.get(path).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = client.get(path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.headers["etag"]) == (304, tag)
        assert client.get(path, headers={"If-None-Match": f'"x{tag[1:]}'}).status_code == 200
    assert client.get("/v1/products/none/image").status_code == 404


def test_the_id_of_a_library_scene_is_good_for_every_call(client: TestClient) -> None:
    library, name = LIBRARY_SCENE.split("/")
    scene = client.get(f"/v1/libraries/{library}/scenes/{name}").json()
    assert client.get(f"/v1/scenes/{scene['scene_id']}").json()["scene"] == scene["scene"]


def test_from_image_takes_a_budget_and_refuses_what_it_does_not_know(client: TestClient) -> None:
    path, photograph = "/v1/recommendations:from-image", SCENE.read_bytes()
    answer = client.post(f"{path}?intent=furnish&budget=600", content=photograph, headers=JPEG)
    assert answer.json()["set"]["cost"] <= 600
    unknown = client.post(f"{path}?colour=red", content=photograph, headers=JPEG)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "$.colour")


def test_libraries_show_their_scenes_and_nothing_else(client: TestClient) -> None:
    found = client.get("/v1/libraries").json()["libraries"]
    assert LIBRARY_SCENE in {f"{library['name']}/{name}" for library in found for name in library["scenes"]}
    library, name = LIBRARY_SCENE.split("/")
    assert client.get(f"/v1/libraries/{library}/scenes/{name}/image").headers["content-type"] == "image/webp"
    for way in ("../catalog.csv", "%2e%2e%2fcatalog.csv", "none.webp"):
        assert client.get(f"/v1/libraries/{library}/scenes/{way}/image").status_code == 404


def test_a_lookbook_holds_the_list_and_the_photograph(client: TestClient, scene_id: str) -> None:
    answer = client.post(
        "/v1/lookbooks",
        params={"request": f'{{"scene_id": "{scene_id}", "k": 2}}'},
        content=SCENE.read_bytes(),
        headers=JPEG,
    )
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.count('class="product"') == 2
    assert answer.text.count("data:image/webp") == 3


def test_metrics_and_readiness(client: TestClient) -> None:
    ready = client.get("/readyz").json()
    assert ready["ready"]
    assert ready["stale"] is None
    metrics = client.get("/metrics").text
    assert 'scene_service_requests_total{call="readyz",status="200"}' in metrics
    assert f'scene_service_bundle{{version="{ready["bundle_version"]}"}} 1.0' in metrics


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/docs", "/v1/vocabulary", "/nothing", "/static/page.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_other_sites_cannot_use_a_server_without_tokens(client: TestClient) -> None:
    assert client.get("/v1/vocabulary", headers={"Host": "evil.example"}).status_code == 403
    sent = client.post("/v1/events", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert client.get("/v1/vocabulary", headers={"Origin": "http://evil.example"}).headers.get(
        "access-control-allow-origin"
    ) is None  # fmt: skip


def test_only_the_named_origins_may_call_from_a_page(promoted: Path) -> None:
    shop = "https://shop.example"
    settings = ServiceSettings(artifacts=promoted, workers=1, cors_origins=f"{shop}/, https://other.example")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with TestClient(create_app(settings), base_url=BASE) as opened:
        for origin, site, status in ((shop, "cross-site", 422), ("https://evil.example", "cross-site", 403)):
            headers = {"Origin": origin, "Sec-Fetch-Site": site}
            answer = opened.post("/v1/events", json={}, headers=headers)
            preflight = opened.options("/v1/events", headers={**headers, **asked})
            assert answer.status_code == status
            assert (preflight.status_code == 200) == (origin == shop)
            assert answer.headers.get("access-control-allow-origin") == (shop if origin == shop else None)


def test_admin_needs_a_token_even_where_nothing_else_does(client: TestClient) -> None:
    refused = client.post("/admin/reload")
    assert refused.status_code == 401
    assert "--tokens" in refused.json()["detail"]
    assert client.delete("/v1/subjects/anna").status_code == 401


def test_each_scope_opens_its_calls_and_no_other(promoted: Path, token_file: tuple[Path, dict[str, str]]) -> None:
    path, secrets = token_file
    settings = ServiceSettings(artifacts=promoted, tokens=str(path), workers=1)
    with TestClient(create_app(settings), base_url=BASE) as guarded:
        for scope, secret in secrets.items():
            headers = {"Authorization": f"Bearer {secret}"}
            assert guarded.get("/v1/vocabulary", headers=headers).status_code == (200 if scope == "recommend" else 403)
            sent = guarded.post("/v1/events", json={}, headers=headers)
            assert sent.status_code == (422 if scope == "feedback" else 403)
            assert guarded.post("/admin/reload", headers=headers).status_code == (200 if scope == "admin" else 403)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            assert guarded.get("/v1/vocabulary", headers=headers).status_code == 401
        assert guarded.get("/").status_code == 200
        assert guarded.get("/metrics").status_code == 401


def test_nan_in_a_query_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/recommendations:from-image?max_price=nan", content=b"x", headers=JPEG)
    assert answer.status_code == 422


def test_a_picture_of_no_room_still_answers(client: TestClient) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    answer = client.post("/v1/recommendations:from-image?k=2", content=stream.getvalue(), headers=JPEG)
    assert len(answer.json()["items"]) == 2


def test_a_match_marks_what_is_seen_and_names_products_like_it(client: TestClient, scene_id: str) -> None:
    answer = ask(client, scene_id=scene_id, intent="match", k=2)
    objects = answer["scene"]["objects"]
    assert objects, "the sample's rooms show products of its catalog"
    for thing in objects:
        left, top, right, bottom = thing["box"]
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert 1 <= sum(item["place"] == thing["object_id"] for item in answer["items"]) <= 2
    assert [item["rank"] for item in answer["items"]] == list(range(1, len(answer["items"]) + 1))


def test_a_set_stays_within_its_budget(client: TestClient, scene_id: str) -> None:
    answer = ask(client, scene_id=scene_id, intent="furnish", budget=900, want={"table_lamp": 2})
    cost = sum(item["price"] * item["pieces"] for item in answer["items"])
    assert answer["items"], answer["set"]
    assert answer["set"]["cost"] == pytest.approx(cost, abs=0.01)
    assert cost <= 900
    assert answer["set"]["left"] == pytest.approx(900 - cost, abs=0.01)
    none = ask(client, scene_id=scene_id, intent="furnish", budget=1, must={"table_lamp": 1})
    assert (none["items"], "no set" in none["set"]["note"]) == ([], True)
