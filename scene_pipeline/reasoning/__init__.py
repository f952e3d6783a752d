"""A vision LLM's opinion of a scene: cached, budgeted, optional. Nothing else needs it."""
