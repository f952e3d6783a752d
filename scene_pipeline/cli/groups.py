"""Groups of commands, all with the same settings."""

import typer


def group(help: str | None = None, *, no_args_is_help: bool = True) -> typer.Typer:
    """Return a group of commands; one without help stands at the top level."""
    return typer.Typer(no_args_is_help=no_args_is_help, rich_markup_mode=None, help=help)
