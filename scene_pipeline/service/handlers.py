"""What each call does. Bodies are read on the event loop, pictures and lists are worked on by the pool."""

import asyncio
import datetime as dt
import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from scene_pipeline.context.context import Context
from scene_pipeline.errors import ImageError, ScenePipelineError
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.service import documents as docs
from scene_pipeline.service.bodies import Bodies, Body, decode, invalid
from scene_pipeline.service.engine import (
    check_options,
    confidence_note,
    context_of,
    corrected_scene,
    items_out,
    scene_out,
    shown_list,
    vocabulary_out,
)
from scene_pipeline.service.etags import tagged
from scene_pipeline.service.feedback import Feedback
from scene_pipeline.service.insights import Insights
from scene_pipeline.service.intents import INTENTS, NOT_EXPLORED
from scene_pipeline.service.libraries import EDGE, Libraries, preview
from scene_pipeline.service.lookbooks import lookbook_page
from scene_pipeline.service.metrics import Metrics
from scene_pipeline.service.openapi import openapi
from scene_pipeline.service.operations import WISH_PARAMETERS
from scene_pipeline.service.pictures import DecodeBudget, decode_cost, unreadable
from scene_pipeline.service.problems import FieldError, Problem
from scene_pipeline.service.profiles import Profiles
from scene_pipeline.service.scene_cache import CachedScene, Reading, SceneCache
from scene_pipeline.service.served import Served, ServedBundle
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.service.tokens import TokenFile
from scene_pipeline.service.trials import Trial, Trials
from scene_pipeline.service.work import WorkPool

T = TypeVar("T")
DAY_S = 86_400
PRIVATE = {"Cache-Control": "no-store"}


class Handlers:
    """The calls, and what they share. Every method named in OPERATIONS takes a request and returns a response."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.tokens = TokenFile.load(settings.tokens)
        self.bodies = Bodies(settings)
        self.scenes = SceneCache(settings.max_scenes, settings.scene_ttl_s)
        self.work = WorkPool(settings.worker_count, settings.max_wait_s)
        self.decoding = DecodeBudget(settings.decode_bytes)
        self.library_scenes = Libraries(settings.scenes)
        self.feedback = Feedback.open(settings)
        self.profiles = Profiles(settings.artifacts)
        self.insights = Insights(settings.artifacts)
        self.bundle = ServedBundle(settings.artifacts, settings.reload_poll_s, self._warm_up)
        rules = msgspec.convert({"method": settings.exploration}, Exploration)
        self.trials = Trials(settings.artifacts, self.bundle, rules, INTENTS)
        self.metrics_of = Metrics(self.work, self.bundle, self.scenes, self.bodies)

    def _warm_up(self, served: Served) -> None:
        """Answer a scene before requests do: the first answer of a bundle is slower than all others."""
        first = next((paths[0] for paths in self.library_scenes.all().values() if paths), None)
        if first is not None:
            scene = served.matcher.analyze(first)
            trial = Trial(served, docs.Options(), NOT_EXPLORED)
            items_out(shown_list(trial, scene, Context(), "warm-up"), served.products, frozenset())

    def close(self) -> None:
        """Stop the threads and close the event store."""
        self.bundle.close()
        self.work.close()
        self.insights.close()
        self.feedback.close()

    # ------------------------------------------------------------ scenes

    async def create_scene(self, request: Request) -> Response:
        deadline, served = self._deadline(), self.bundle.current
        with await self._uploaded(request) as body:
            entry, took = await self._in_pool("analyze", lambda: self._analyzed(body.data, served), deadline)
        answer = self._scene_answer(entry, served)
        headers = {"Location": f"/v1/scenes/{entry.scene_id}", "Server-Timing": _timing(analyze=took)}
        return _json(answer, 201, headers)

    async def get_scene(self, request: Request) -> Response:
        served = self.bundle.current
        entry = self._scene(request.path_params["scene_id"], served)
        return _json(self._scene_answer(entry, served), headers={"Cache-Control": "no-store"})

    async def library_scene(self, request: Request) -> Response:
        deadline, served = self._deadline(), self.bundle.current
        name = f"{request.path_params['library']}/{request.path_params['name']}"
        reading = self._library_scene(name, served)
        entry, _ = await self._in_pool(reading.kind, reading.scene, deadline) if reading.kind else reading.scene()
        return _json(self._scene_answer(entry, served))

    async def _uploaded(self, request: Request) -> Body:
        """Return the body, a picture, unless the wait for a worker would be too long."""
        self.work.check()
        body = await self.bodies.read(request, self.settings.max_image_bytes)
        if not body.data:
            raise Problem("bad-request", "the body is empty; send the bytes of a picture")
        return body

    def _analyzed(self, data: bytes, served: Served, scene_id: str | None = None) -> tuple[CachedScene, float]:
        started = time.perf_counter()
        with self.decoding.reserve(decode_cost(data, self.settings, served.matcher.decoded_side)):
            try:
                scene = served.matcher.analyze(data)
            except ImageError as error:
                raise unreadable(error) from error
        entry = self.scenes.add(scene, served.reader, hashlib.sha256(data).hexdigest(), scene_id)
        self.insights.want(data, entry.content, scene.analysis, served.matcher.vocabulary)
        return entry, 1000 * (time.perf_counter() - started)

    def _scene(self, scene_id: str, served: Served) -> CachedScene:
        entry = self.scenes.get(scene_id)
        if entry is None:
            raise Problem("not-found", "the scene is unknown or has expired; upload the picture again")
        if entry.reader != served.reader:
            raise Problem("scene-gone", "the scene was read by an earlier bundle; upload the picture again")
        return entry

    def _library_scene(self, name: str, served: Served) -> Reading:
        library, _, picture = name.partition("/")
        path = self.library_scenes.find(library, picture)
        read_as = f"{served.reader} {path.stat().st_mtime_ns} {name}"
        key = f"library-{hashlib.sha256(read_as.encode()).hexdigest()[:32]}"
        if (entry := self.scenes.get(key)) is not None:
            return Reading.done(entry)
        return Reading("analyze", lambda: self._analyzed(path.read_bytes(), served, key))

    def _scene_answer(self, entry: CachedScene, served: Served) -> docs.SceneAnswer:
        return docs.SceneAnswer(
            scene_id=entry.scene_id,
            expires_at=dt.datetime.fromtimestamp(entry.expires_at, dt.UTC).isoformat(timespec="seconds"),
            bundle_version=served.matcher.bundle.version,
            scene=scene_out(entry.scene.analysis, served.matcher.vocabulary),
            insights=self.insights.document(entry.content, served.matcher.vocabulary),
        )

    # ------------------------------------------------------------ recommendations

    async def recommend(self, request: Request) -> Response:
        deadline = self._deadline()
        with await self.bodies.read(request, self.settings.max_json_bytes) as body:
            wanted = decode(body.data, docs.RecommendationRequest)
        served = self.bundle.current
        return await self._answer(served, self._wanted_scene(wanted, served), wanted, deadline)

    async def recommend_from_image(self, request: Request) -> Response:
        deadline = self._deadline()
        options = _options(request)
        served = self.bundle.current
        check_options(options, served.matcher.vocabulary, self.settings.max_k)
        with await self._uploaded(request) as body:
            reading = Reading("analyze", lambda: self._analyzed(body.data, served))
            return await self._answer(served, reading, options, deadline)

    def _wanted_scene(self, wanted: docs.RecommendationRequest, served: Served) -> Reading:
        if (wanted.scene_id is None) == (wanted.library_scene is None):
            detail = "give either scene_id or library_scene"
            raise Problem("invalid", detail, [FieldError("$.scene_id", detail)])
        check_options(wanted, served.matcher.vocabulary, self.settings.max_k)
        if wanted.scene_id is not None:
            return Reading.done(self._scene(wanted.scene_id, served))
        return self._library_scene(wanted.library_scene or "", served)

    async def _answer(self, served: Served, reading: Reading, options: docs.Options, deadline: float) -> Response:
        identifier, person = uuid.uuid4().hex, self.feedback.subject(options.subject)
        context = context_of(options, person)

        def job() -> tuple[bytes, str]:
            entry, analyzed_ms = reading.scene()
            started = time.perf_counter()
            trial = self.trials.trial(
                options, {"subject": person, "scene": entry.content, "request": identifier}, served
            )
            scene = corrected_scene(trial.served, entry.scene, trial.options)
            trial = replace(trial, opinion=self.insights.opinion(entry.content))
            shown = shown_list(trial, scene, context, identifier)
            result = shown.result
            pinned = frozenset(pin.product_id for pin in options.pinned)
            matcher = trial.served.matcher
            answer = docs.RecommendationAnswer(
                recommendation_id=identifier,
                bundle_version=result.bundle_version,
                encoder_id=result.encoder_id,
                intent=trial.options.intent,
                experiment=trial.experiment,
                arm=trial.arm,
                propensity=trial.share,
                note=confidence_note(trial.served, result),
                scene=scene_out(scene.analysis, matcher.vocabulary, shown.objects),
                items=items_out(shown, trial.served.products, pinned),
                set=shown.set,
                context=None if result.context is None else msgspec.convert(result.context, docs.ContextOut),
                for_you=matcher.context_model().describe(context) if context.person else "",
            )
            self.feedback.exposed(
                identifier, result, shown.listed,
                scene=entry.content, subject=person, experiment=trial.experiment, arm=trial.arm,
                intent=trial.options.intent,
            )  # fmt: skip
            content = msgspec.json.encode(answer)
            return content, _timing(analyze=analyzed_ms, rank=1000 * (time.perf_counter() - started))

        content, timing = await self._in_pool(f"{reading.kind} rank", job, deadline)
        headers = {"Server-Timing": timing, "Cache-Control": "no-store"}
        return Response(content, 200, headers, "application/json")

    async def lookbook(self, request: Request) -> Response:
        deadline = self._deadline()
        wanted = decode(request.query_params.get("request", "").encode(), docs.RecommendationRequest)
        served = self.bundle.current
        reading = self._wanted_scene(wanted, served)
        context = context_of(wanted, self.feedback.subject(wanted.subject))
        with await self.bodies.read(request, self.settings.max_image_bytes) as body:
            data, name = body.data, "Your room"
            if wanted.library_scene is not None:
                library, _, name = wanted.library_scene.partition("/")
                data = self.library_scenes.find(library, name).read_bytes()

            def job() -> bytes:
                entry, _ = reading.scene()
                with self.decoding.reserve(decode_cost(data, self.settings, EDGE)):
                    scene = corrected_scene(served, entry.scene, wanted)
                    trial = Trial(served, wanted, NOT_EXPLORED, opinion=self.insights.opinion(entry.content))
                    shown = shown_list(trial, scene, context, "lookbook")
                    return lookbook_page(served, shown.result, data, name)

            page = await self._in_pool(f"{reading.kind} lookbook", job, deadline)
        headers = {"Content-Disposition": 'attachment; filename="lookbook.html"', "Cache-Control": "no-store"}
        return Response(page, 200, headers, "text/html")

    # ------------------------------------------------------------ what can be requested

    async def vocabulary(self, request: Request) -> Response:
        del request
        return _json(
            vocabulary_out(self.bundle.current, self.settings.max_k, feedback=True, profiles=self.feedback.knows_people)
        )

    async def libraries(self, request: Request) -> Response:
        del request
        found = await asyncio.to_thread(self.library_scenes.all)
        libraries = [docs.LibraryOut(name=name, scenes=[path.name for path in paths]) for name, paths in found.items()]
        return _json(docs.LibrariesOut(libraries=libraries))

    async def library_image(self, request: Request) -> Response:
        path = self.library_scenes.find(request.path_params["library"], request.path_params["name"])

        def job() -> bytes:
            with self.decoding.reserve(decode_cost(path.read_bytes(), self.settings, EDGE)):
                return preview(path)

        try:
            content = await self._in_pool("preview", job, self._deadline())
        except ImageError as error:
            raise unreadable(error) from error
        return Response(content, headers={"Cache-Control": "private, max-age=3600"}, media_type="image/webp")

    async def product(self, request: Request) -> Response:
        product = self.bundle.current.products.get(request.path_params["product_id"])
        if product is None:
            raise Problem("not-found", "the catalog of this bundle has no such product")
        content = msgspec.json.encode(product)
        return tagged(
            request,
            hashlib.sha256(content).hexdigest()[:32],
            lambda headers: Response(content, headers=headers, media_type="application/json"),
            cache_control="no-cache",
        )

    async def product_image(self, request: Request) -> Response:
        found = self.bundle.current.products.picture(request.path_params["product_id"])
        if found is None:
            raise Problem("not-found", "there is no such product, or it has no picture")
        path, sha256 = found
        return tagged(
            request,
            sha256,
            lambda headers: FileResponse(path, headers=headers, media_type="image/jpeg"),
            cache_control=f"private, max-age={DAY_S}",
        )

    # ------------------------------------------------------------ feedback

    async def events(self, request: Request) -> Response:
        with await self.bodies.read(request, self.settings.max_json_bytes) as body:
            events = decode(body.data, docs.EventsRequest).events
        if len(events) > self.settings.max_events:
            raise Problem("too-large", f"the request has {len(events)} events; send at most {self.settings.max_events}")
        futures = self.feedback.submit(events)
        receipts = await asyncio.gather(*map(asyncio.wrap_future, futures))
        conflicts = [
            FieldError(f"$.events[{number}].event_id", f"'{event.event_id}' is stored with another body")
            for number, (event, receipt) in enumerate(zip(events, receipts, strict=True))
            if receipt.conflicts
        ]
        if conflicts:
            raise Problem(
                "conflict", f"{len(conflicts)} event ids are stored with another body; the others are stored", conflicts
            )
        statuses = [
            docs.EventStatus(event_id=event.event_id, status="stored" if receipt.stored else "duplicate")
            for event, receipt in zip(events, receipts, strict=True)
        ]
        return _json(docs.EventsAnswer(events=statuses), 202)

    async def profile(self, request: Request) -> Response:
        person = self.feedback.known_subject(request.path_params["subject_id"])
        found = await asyncio.to_thread(self.profiles.read, self.bundle.current, person)
        return _json(found, headers=PRIVATE)

    async def correct_profile(self, request: Request) -> Response:
        person = self.feedback.known_subject(request.path_params["subject_id"])
        with await self.bodies.read(request, self.settings.max_json_bytes) as body:
            patch = decode(body.data, docs.ProfilePatch)
        found = await asyncio.to_thread(self.profiles.correct, self.bundle.current, person, patch)
        return _json(found, headers=PRIVATE)

    async def delete_profile(self, request: Request) -> Response:
        person = self.feedback.known_subject(request.path_params["subject_id"])
        return _json(docs.DeletedOut(deleted=await asyncio.to_thread(self.profiles.delete, person)))

    async def erase_subject(self, request: Request) -> Response:
        removal = await asyncio.to_thread(self.feedback.erase, request.path_params["subject_id"])
        return _json(docs.ErasedOut(erased=removal.events, profile=removal.profile))

    # ------------------------------------------------------------ operating

    async def reload(self, request: Request) -> Response:
        del request
        try:
            changed = await asyncio.to_thread(self.bundle.reload)
        except ScenePipelineError as error:
            raise Problem("not-ready", str(error)) from error
        return _json(docs.ReloadOut(bundle_version=self.bundle.current.matcher.bundle.version, changed=changed))

    async def openapi(self, request: Request) -> Response:
        del request
        return Response(msgspec.json.encode(openapi()), media_type="application/json")

    async def livez(self, request: Request) -> Response:
        del request
        return Response("ok\n", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        del request
        served = self.bundle.current
        return _json(
            docs.Readiness(
                ready=True,
                bundle_version=served.matcher.bundle.version,
                encoder_id=served.matcher.encoder_id,
                stale=self.bundle.stale,
                expected_wait_s=round(self.work.expected_wait(), 3),
                experiment_problem=self.trials.problem,
            )
        )

    async def metrics(self, request: Request) -> Response:
        del request
        return Response(generate_latest(self.metrics_of.registry), media_type=CONTENT_TYPE_LATEST)

    def _deadline(self) -> float:
        return time.monotonic() + self.settings.deadline_s

    async def _in_pool(self, kind: str, job: Callable[[], T], deadline: float) -> T:
        return await self.work.run(kind, job, deadline)


DIRECT_PARAMETERS = ("k", "intent", "budget", "subject", "date", "country", "hemisphere", "channel")


def _options(request: Request) -> docs.Options:
    """Return the options of a query. Raises the problem `invalid` naming the parameter."""
    query = request.query_params
    taken = [parameter.name for parameter in WISH_PARAMETERS]
    for name, value in query.multi_items():
        if name not in taken:
            message = f"is no parameter; there are {', '.join(taken)}"
            raise Problem("invalid", f"{name[:40]}: {message}", [FieldError(f"$.{name[:40]}", message)])
        if value.lower() == "null":  # which msgspec would take for a missing one
            raise Problem("invalid", f"{name}: is null; leave it out", [FieldError(f"$.{name}", "is null")])
    lists = {"color": "colors", "category": "categories", "brand": "brands"}
    wishes: dict[str, Any] = {field: query.getlist(name) for name, field in lists.items() if name in query}
    for name in ("style", "min_price", "max_price", "in_stock"):
        if name in query:
            wishes[name] = query[name]
    given: dict[str, Any] = {name: query[name] for name in DIRECT_PARAMETERS if name in query}
    corrections = {"room": query["room"]} if "room" in query else {}
    try:
        return msgspec.convert({**given, "wishes": wishes, "corrections": corrections}, docs.Options, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from error


def _json(document: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(document), status, headers, "application/json")


def _timing(**milliseconds: float) -> str:
    return ", ".join(f"{name};dur={value:.1f}" for name, value in milliseconds.items())
