"""For when, where and whom a list is made; everything may be unknown, and what is unknown lifts nothing."""

import datetime as dt
import re
from dataclasses import asdict, dataclass, field
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
    """For when, where and whom a list is made; a field that is None is unknown.

    `date` is in ISO form, or "today", which becomes the date. The hemisphere is by default that of the country, and
    north where neither is given. Raises ScenePipelineError for a value of another form.
    """

    date: str | None = field(default=None, metadata={"help": "For which date: 2026-11-28 or today."})
    country: str | None = field(default=None, metadata={"help": "For which country: two letters, such as GB."})
    hemisphere: str | None = field(
        default=None, metadata={"help": "Whose seasons: north or south; by default those of the country."}
    )
    person: str | None = field(default=None, metadata={"help": "For whom: the HMAC id of a profile."})
    channel: str | None = field(default=None, metadata={"help": "Where it is shown, such as web or print."})

    def __post_init__(self) -> None:
        """Raise ScenePipelineError for a value of another form; turn "today" into the date."""
        if self.date == "today":
            object.__setattr__(self, "date", dt.date.today().isoformat())
        if self.date is not None and not _is_date(self.date):
            raise ScenePipelineError(f"date '{self.date}' is not a date; write it as 2026-11-28, or write today")
        if self.country is not None and not re.fullmatch(r"[A-Z]{2}", self.country):
            raise ScenePipelineError(f"country '{self.country}' is not two capital letters; give for example GB or AU")
        if self.hemisphere not in (None, "north", "south"):
            raise ScenePipelineError(f"hemisphere '{self.hemisphere}' is unknown; give north or south")
        if self.person is not None and not PERSON_ID.fullmatch(self.person):
            raise ScenePipelineError("the person is not an HMAC id of 16 to 64 hexadecimal digits; hash the id first")
        if self.channel is not None and not re.fullmatch(r"[\w.-]{1,40}", self.channel):
            raise ScenePipelineError(f"channel '{self.channel}' is not up to 40 letters, digits, '.', '_' or '-'")

    @classmethod
    def on(cls, day: dt.date, country: str | None = None, hemisphere: str | None = None) -> "Context":
        """Return the context of a day in a country."""
        return cls(day.isoformat(), country, hemisphere)

    @property
    def day(self) -> dt.date | None:
        """The date as an object, None if unknown."""
        return dt.date.fromisoformat(self.date) if self.date else None

    @property
    def southern(self) -> bool:
        """Whether the seasons are those of the southern hemisphere."""
        return self.hemisphere == "south" if self.hemisphere else self.country in SOUTHERN

    @property
    def known(self) -> bool:
        """Whether anything is known that could lift a product."""
        return self.date is not None or self.person is not None

    def record(self) -> dict[str, Any]:
        """Return the context as rows record it: only whether a person is known, so that tables hold no person's id."""
        return asdict(self) | {"person": self.person is not None}


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
