"""Trains the heads that read a room (`scene_pipeline/scenes/room_heads.py`): features, then `train`."""
