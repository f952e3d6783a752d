"""Pictures from strangers: fetch, guard, decode, store, and describe them by colour and perceptual hash."""
