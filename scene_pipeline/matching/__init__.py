"""From a photograph to products: analyze, filter, score, trust, spread, place, explain. Torch-free."""
