"""What a photograph shows: room, style, palette, colors and light."""
