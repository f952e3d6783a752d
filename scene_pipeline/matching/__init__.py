"""From a photograph to products: analyse, filter, score, trust, spread, place, explain. Torch-free."""
