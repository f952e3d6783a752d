"""Read, validate, enrich and categorize a shop's catalog; `schema` documents the resulting tables."""
