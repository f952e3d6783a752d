"""Read, validate, enrich and categorise a shop's catalogue; `schema` says what comes out."""
