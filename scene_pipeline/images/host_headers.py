"""Headers for hosts that need more than a URL: a Referer, a token."""

import os
import re
from collections.abc import Iterable, Mapping

from yarl import URL

from scene_pipeline.errors import ImageError

_ENTRY = re.compile(r"\s*([^\s=/]+)\s*=\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*:\s*([^\r\n\0]*?)\s*")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OURS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "if-none-match", "range")
)


class HostHeaders:
    """Headers by host, from entries `host=Name: value`; the host may carry a port. They are sent to no other host.

    `${NAME}` in a value is read from the environment, so that the configuration holds no token. Raises ImageError for
    an entry that is not one, a header that the fetcher sets itself, and a variable that is not set.
    """

    def __init__(self, entries: Iterable[str], environment: Mapping[str, str] = os.environ) -> None:
        self._by_host: dict[str, dict[str, str]] = {}
        for entry in entries:
            match = _ENTRY.fullmatch(entry)
            if match is None:
                shown = entry.partition(":")[0][:60]  # without the value, which may be a token
                raise ImageError(
                    f"headers: {shown!r} is not a header of a host; write 'cdn.example.com=Referer: https://…'"
                )
            host, name, value = match.groups()
            if name.lower() in _OURS:
                raise ImageError(f"headers: {name} for {host} is set by the fetcher; leave it out")
            self._by_host.setdefault(_as_requested(host), {})[name] = _filled_in(value, name, host, environment)

    def of(self, url: URL) -> dict[str, str]:
        """Return the headers for a URL; an entry with its port takes precedence over one with the host alone."""
        host = url.host_subcomponent or ""
        return {**self._by_host.get(host, {}), **self._by_host.get(f"{host}:{url.port}", {})}


def _as_requested(host: str) -> str:
    """Return a host, maybe with its port, as it stands in a URL that is requested: `bücher.example` is encoded."""
    try:
        url = URL(f"http://{host}")
        named = url.host_subcomponent or host.lower()
        return named if url.explicit_port is None else f"{named}:{url.port}"
    except ValueError as error:
        raise ImageError(
            f"headers: {host!r} is not a host; write 'cdn.example.com' or 'cdn.example.com:8443'"
        ) from error


def _filled_in(value: str, name: str, host: str, environment: Mapping[str, str]) -> str:
    def of(match: re.Match[str]) -> str:
        found = environment.get(match.group(1), "")
        if not found or "\n" in found or "\r" in found:
            raise ImageError(f"headers: {name} for {host} needs the variable {match.group(1)}; set it to one line")
        return found

    return _VARIABLE.sub(of, value)
