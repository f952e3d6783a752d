"""Run the command line of the studio."""

from training.studio.cli import app

app()
