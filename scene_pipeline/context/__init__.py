"""The date, the place and the person a list is for: lifts that move its order and never a confidence."""
