"""Pictures from strangers: fetch, guard, decode, store, and describe them by color and perceptual hash."""
