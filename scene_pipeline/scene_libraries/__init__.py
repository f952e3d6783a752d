"""Folders of scenes: find, score, keep and compare them."""
