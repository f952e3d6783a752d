"""The date, the place and the person that a list is for: their lifts change its order and never a confidence."""
