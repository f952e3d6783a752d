"""The studio: parametric home goods and furnished rooms, rendered with Mitsuba 3, with their ground truth.

`python -m training.studio sample` makes the sample that ships; `python -m training.studio dataset` makes training data.
Lengths are metres, z points up, colors are sRGB triples in 0-1 unless a docstring says otherwise.
"""
