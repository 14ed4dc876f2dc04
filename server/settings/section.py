"""What all sections of the settings have in common."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict


def known_zone(name: str) -> str:
    """The name, if it is that of a time zone (ValueError)."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of an IANA time zone, such as Europe/Berlin") from None
    return name


class Section(BaseModel):
    """Keys that are not known are refused, and no fault repeats a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
