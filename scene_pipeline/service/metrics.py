"""Metrics for Prometheus: requests by call and status, times, the queue, and which bundle is served."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from scene_pipeline.service.bodies import Bodies
from scene_pipeline.service.scene_cache import SceneCache
from scene_pipeline.service.served import ServedBundle
from scene_pipeline.service.work import WorkPool

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The metrics of one service. No label holds anything that a client chooses."""

    def __init__(self, work: WorkPool, bundle: ServedBundle, scenes: SceneCache, bodies: Bodies) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "scene_service_requests", "Requests answered.", ("call", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "scene_service_request_seconds",
            "Time from the headers to the answer.",
            ("call",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_State(work, bundle, scenes, bodies))


class _State(Collector):
    def __init__(self, work: WorkPool, bundle: ServedBundle, scenes: SceneCache, bodies: Bodies) -> None:
        self._parts = work, bundle, scenes, bodies

    def collect(self) -> Iterator[GaugeMetricFamily]:
        work, bundle, scenes, bodies = self._parts
        for name, text, value in (
            ("expected_wait_seconds", "How long a new job would wait for a worker.", work.expected_wait()),
            ("scenes", "Scenes that are kept.", float(len(scenes))),
            ("buffered_bytes", "Request bodies held in memory.", float(bodies.buffered)),
            ("stale", "1 while the promoted bundle cannot be served.", float(bundle.stale is not None)),
        ):
            yield GaugeMetricFamily(f"scene_service_{name}", text, value)
        version = GaugeMetricFamily("scene_service_bundle", "The bundle that is served.", labels=["version"])
        version.add_metric([bundle.current.matcher.bundle.version], 1.0)
        yield version
