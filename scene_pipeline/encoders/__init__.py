"""Encoders: pictures and texts to vectors. Light to import; torch is loaded only where a tower is."""

import os

# ONNX Runtime reports to its maker from its import on, and listens to nothing else; a set value is left as it is.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
