"""Furniture in the manner of a style: pieces that make rooms, some of them also sold as products."""
