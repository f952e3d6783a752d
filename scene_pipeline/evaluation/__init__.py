"""Ground truth, metrics and calibration: plain data in, metrics with intervals out."""
