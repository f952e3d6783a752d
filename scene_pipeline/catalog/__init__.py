"""Read, validate, enrich and categorize a shop's catalog; `schema` says what comes out."""
