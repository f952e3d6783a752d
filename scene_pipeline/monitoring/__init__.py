"""What watches a pipeline that runs by itself: figures over time, thresholds, alerts, drift, retention."""
