"""From tables and vectors to a sealed, promoted bundle."""
