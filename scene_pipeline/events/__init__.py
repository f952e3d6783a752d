"""Exposures and actions: what was shown, with what probability, and what people did with it."""
