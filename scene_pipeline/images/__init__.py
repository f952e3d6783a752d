"""Pictures from outside: fetch, guard, decode, store, and describe them by color and perceptual hash."""
