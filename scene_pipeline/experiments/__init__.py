"""Experiments: assignment, and verdicts and decisions that are valid at every look."""
