"""Products by category; `catalog` lists the types."""
