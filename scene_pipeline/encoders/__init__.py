"""Encoders: pictures and texts to vectors. Light to import; torch is loaded only where a tower is."""
