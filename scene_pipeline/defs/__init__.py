"""The Dagster side: assets, checks, sensors and schedules. Thin: the work is done on the floors below."""
