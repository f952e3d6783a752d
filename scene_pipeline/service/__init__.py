"""The HTTP service over the promoted bundle, its page and a client. Loads no torch."""
