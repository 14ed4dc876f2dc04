"""Validation of settings: sections without unknown keys, time zones, addresses, and values of site concepts."""

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from collectors.fetching.addresses import is_callable_address, is_loopback
from ontology.concepts import Concept, Origin, ValueType
from ontology.values import Coding, Quantity, Value
from server.errors import SettingsError


def check_zone(name: str) -> str:
    """The name of a time zone, checked.  Raises ValueError for any other name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of an IANA time zone, such as Europe/Berlin") from None
    return name


class Section(BaseModel):
    """A section of the settings: unknown keys are refused, and no fault repeats a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def check_address(url: str, allow_http: bool) -> None:
    """Raises ValueError unless this is an absolute https URL without user, query and fragment.

    Plain http is allowed on loopback, and with ``allow_http``.
    """
    parts = urlsplit(url)
    # Reading an invalid port raises ValueError.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("base_url must be an absolute https URL")
    if not url.isprintable() or " " in url:
        raise ValueError("base_url must be an absolute https URL")
    if not is_callable_address(url):
        raise ValueError("base_url must be an absolute https URL")
    if "?" in url or "#" in url or parts.username is not None or parts.password is not None:
        raise ValueError("base_url must have no user, query or fragment")
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname)):
        raise ValueError("base_url must be https; plain http only on loopback, or with allow_http = true")


def site_values(site: Mapping[str, bool | Decimal | str], concepts: Mapping[str, Concept]) -> dict[str, Value]:
    """The values of the site concepts that are set, by concept id; numbers are in the concept's own unit.

    Raises SettingsError for a concept that is no site concept, and for a value of another type.
    """
    return {name: _site_value(name, given, concepts.get(name)) for name, given in site.items()}


def _site_value(name: str, given: bool | Decimal | str, concept: Concept | None) -> Value:
    if concept is None or concept.origin is not Origin.SITE:
        raise SettingsError(f"site.{name}: no such site concept")
    if concept.value_type is ValueType.FLAG and isinstance(given, bool):
        return given
    if concept.value_type is ValueType.QUANTITY and isinstance(given, Decimal) and concept.unit is not None:
        return Quantity(given, concept.unit)
    if concept.value_type is ValueType.CODING and isinstance(given, str) and "|" in given:
        system, code = given.split("|", 1)
        return Coding(system, code)
    allowed = {
        ValueType.FLAG: "true or false",
        ValueType.QUANTITY: f"a number in {concept.unit}",
        ValueType.CODING: "a code as system|code",
        ValueType.DATE: "a date, which settings do not support yet",
    }
    raise SettingsError(f"site.{name}: must be {allowed[concept.value_type]}")
