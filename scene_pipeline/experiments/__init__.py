"""Experiments: assignment, verdicts that hold at every look, and decisions that can be believed."""
