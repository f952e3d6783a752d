"""Bearer tokens: random, stored as SHA-256 only, each good for some scopes."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_pipeline.errors import ServiceError
from scene_pipeline.service.problems import Problem

SCOPES = ("recommend", "feedback", "profile", "admin")
TOKEN_BYTES = 32
PREFIX = "spt_"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the file states it. name: what people call it; logs show nothing else of it."""

    sha256: str
    scopes: frozenset[str]
    name: str


def new_token(scopes: Sequence[str], name: str) -> tuple[str, str]:
    """Return a new token of 256 random bits, and the line for the token file. Raises ServiceError for another scope."""
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    line = f"{_digest(token)} {','.join(scopes)} {name}"
    _parse(line, "the new token")
    return token, line


class TokenFile:
    """The tokens of a file, one `SHA256 SCOPE[,SCOPE] NAME` line each. Without a file only `admin` needs one."""

    def __init__(self, tokens: Sequence[Token] | None = None) -> None:
        self._tokens = tokens

    @classmethod
    def load(cls, path: str) -> "TokenFile":
        """Read a token file, "" for none. Raises ServiceError naming the line that is wrong."""
        if not path:
            return cls()
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ServiceError(f"{path}: cannot be read ({error}); name the token file") from error
        tokens = [
            _parse(line, f"{path}, line {number}")
            for number, line in enumerate(lines, start=1)
            if line.strip() and not line.startswith("#")
        ]
        if not tokens:
            raise ServiceError(f"{path}: holds no token; add a line of `scene-pipeline token`")
        return cls(tokens)

    @property
    def required(self) -> bool:
        """Whether recommending and feedback need a token."""
        return self._tokens is not None

    def check(self, authorization: str | None, scope: str) -> None:
        """Raise the problem `unauthorized` or `forbidden` where a request may not use a scope."""
        if self._tokens is None and scope != "admin":
            return
        if self._tokens is None:
            raise _unauthorized(
                "this server was started without tokens; make one of this scope with `scene-pipeline token`, put its "
                "line into a file and start the server with --tokens"
            )
        kind, _, given = (authorization or "").partition(" ")
        digest = _digest(given.strip())
        found = None
        for token in self._tokens:  # every line is compared, whichever matches
            if hmac.compare_digest(token.sha256, digest):
                found = token
        if kind.lower() != "bearer" or found is None:
            raise _unauthorized(
                "send `Authorization: Bearer TOKEN` with a token of this server; `scene-pipeline token` makes one"
            )
        if scope not in found.scopes:
            raise Problem("forbidden", f"the token '{found.name}' lacks the scope '{scope}'; use one that has it")


def _unauthorized(detail: str) -> Problem:
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="scene-pipeline"'})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _parse(line: str, where: str) -> Token:
    parts = line.split(maxsplit=2)
    if len(parts) != 3 or len(parts[0]) != 64 or not set(parts[0]) <= set("0123456789abcdef"):
        raise ServiceError(f"{where}: is not `SHA256 SCOPE[,SCOPE] NAME`; make it with `scene-pipeline token`")
    scopes = frozenset(parts[1].split(","))
    if not scopes <= set(SCOPES):
        raise ServiceError(
            f"{where}: scope {', '.join(sorted(scopes - set(SCOPES)))} is not one of {', '.join(SCOPES)}"
        )
    return Token(parts[0], scopes, parts[2])
