"""The graph as a person sees it: assets, groups, jobs, schedules and sensors, held by a snapshot."""

import dagster as dg

from scene_pipeline.definitions import defs

EXPECTED = {
    "raw_catalog": ("catalog", set()),
    "products": ("catalog", {"raw_catalog"}),
    "rejects": ("catalog", {"raw_catalog"}),
    "enriched_products": ("catalog", {"products"}),
    "categorised_products": ("catalog", {"enriched_products"}),
    "product_images": ("images", {"products"}),
    "image_embeddings": ("embeddings", {"product_images"}),
    "text_embeddings": ("embeddings", {"categorised_products"}),
    "serving_bundle": ("serving", {"categorised_products", "image_embeddings", "text_embeddings", "rejects"}),
    "scene_analyses": ("scenes", {"serving_bundle"}),
    "recommendations": ("scenes", {"serving_bundle"}),
    "lookbook": ("scenes", {"scene_analyses", "recommendations"}),
}


def specs() -> list[dg.AssetSpec]:
    return list(defs.resolve_all_asset_specs())


def test_assets_groups_and_dependencies() -> None:
    found = {
        spec.key.to_user_string(): (spec.group_name, {dep.asset_key.to_user_string() for dep in spec.deps})
        for spec in specs()
    }
    assert found == EXPECTED


def test_every_asset_is_described_owned_and_versioned() -> None:
    for spec in specs():
        name = spec.key.to_user_string()
        assert spec.description, name
        assert list(spec.owners), name
        assert spec.code_version, name
        assert spec.kinds, name
        assert spec.tags["stage"] == spec.group_name, name


def test_jobs_schedules_and_sensors() -> None:
    repository = defs.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"build_bundle", "score_scenes"}
    assert [(item.name, item.cron_schedule) for item in repository.schedule_defs] == [("refresh_catalog", "0 2 * * *")]
    assert {sensor.name for sensor in repository.sensor_defs} == {"scene_library_sensor", "rescore_on_new_bundle"}


def test_checks_stand_before_promotion() -> None:
    checks = {
        check.name
        for assets in defs.assets or ()
        if isinstance(assets, dg.AssetsDefinition)
        for check in assets.check_specs
        if check.blocking
    }
    assert checks >= {
        "every_row_is_accounted_for",
        "most_products_have_a_picture",
        "recall",
        "smoke",
        "vectors",
        "rows",
    }
