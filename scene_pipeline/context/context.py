"""For when, where and whom a list is made; everything may be unknown, and what is unknown lifts nothing."""

import datetime as dt
import re
from dataclasses import asdict, dataclass
from typing import Any

from scene_pipeline.errors import ScenePipelineError

SOUTHERN = frozenset(
    {
        "AO", "AR", "AU", "BO", "BR", "BW", "CL", "FJ", "ID", "LS", "MG", "MU", "MW", "MZ", "NA", "NZ", "PE", "PG",
        "PY", "RE", "SZ", "TL", "TZ", "UY", "VU", "WS", "ZA", "ZM", "ZW",
    }
)  # fmt: skip
"""Countries (ISO 3166 alpha-2) whose people mostly live south of the equator."""

PERSON_ID = re.compile(r"[0-9a-f]{16,64}")
"""A person is named by a keyed hash (HMAC) in hexadecimal digits, never by a name or an address."""


@dataclass(frozen=True, slots=True)
class Context:
    """For when, where and whom a list is made.

    `country` is an ISO 3166 alpha-2 code, `hemisphere` "north" or "south" (by default that of the country, north where
    neither is given), `person` an HMAC id in hexadecimal digits, `channel` a name of the shop's own such as "web".
    Raises ScenePipelineError for a value of another form.
    """

    date: dt.date | None = None
    country: str | None = None
    hemisphere: str | None = None
    person: str | None = None
    channel: str | None = None

    def __post_init__(self) -> None:
        if self.country is not None and not re.fullmatch(r"[A-Z]{2}", self.country):
            raise ScenePipelineError(f"country '{self.country}' is not two capital letters; give for example GB or AU")
        if self.hemisphere not in (None, "north", "south"):
            raise ScenePipelineError(f"hemisphere '{self.hemisphere}' is unknown; give north or south")
        if self.person is not None and not PERSON_ID.fullmatch(self.person):
            raise ScenePipelineError("the person is not an HMAC id of 16 to 64 hexadecimal digits; hash the id first")
        if self.channel is not None and not re.fullmatch(r"[\w.-]{1,40}", self.channel):
            raise ScenePipelineError(f"channel '{self.channel}' is not up to 40 letters, digits, '.', '_' or '-'")

    @property
    def southern(self) -> bool:
        """Whether the seasons are those of the southern hemisphere."""
        return self.hemisphere == "south" if self.hemisphere else self.country in SOUTHERN

    def record(self) -> dict[str, Any]:
        """Return the context as it is written into every row: all fields, the date in ISO form, unknown as None."""
        return asdict(self) | {"date": self.date.isoformat() if self.date else None}


def parse_context(
    date: str | None = None,
    country: str | None = None,
    hemisphere: str | None = None,
    person: str | None = None,
    channel: str | None = None,
) -> Context | None:
    """Return the context that texts of a command line, a form or a config name; None where all are empty.

    `date` is in ISO form (2026-11-28) or "today". Raises ScenePipelineError.
    """
    if not any((date, country, hemisphere, person, channel)):
        return None
    day = None
    if date:
        try:
            day = dt.date.today() if date == "today" else dt.date.fromisoformat(date)
        except ValueError as error:
            raise ScenePipelineError(f"date '{date}' is not a date; write it as 2026-11-28, or write today") from error
    return Context(day, country.upper() if country else None, hemisphere or None, person or None, channel or None)
