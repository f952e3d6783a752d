"""The port on PostgreSQL with pgvector: the extra `pgvector`."""
