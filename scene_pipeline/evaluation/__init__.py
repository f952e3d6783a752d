"""Ground truth, metrics and calibration: plain data in, figures with intervals out."""
