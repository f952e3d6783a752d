"""The colors of pictures and products: CIELAB, dominant colors, harmony, density and names."""
