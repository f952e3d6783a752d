"""Map work over shards: in this process, or by actors of Ray where it is configured (the extra `ray`)."""
