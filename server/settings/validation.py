"""Validation of settings: sections without unknown keys, time zones, addresses, and values of site concepts."""

import logging
import stat
from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from collectors.fetching.addresses import is_callable_address, is_loopback
from ontology.concepts import Concept, Origin, ValueType
from ontology.errors import UnitError
from ontology.units import convert
from ontology.values import Coding, Quantity, Value
from server.errors import SettingsError, did_you_mean

log = logging.getLogger(__name__)

SiteSetting: TypeAlias = bool | Decimal | str | dict[str, Any]
"""A value of a site concept, or a table."""


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


ABSENCE = "absence"
"""The table of ``site`` that is no concept: by module and slot, whether an entry missing from a list means "no"."""
UNITS = "units"
"""The table of ``site`` that is no concept: by concept id, the unit in which the site shows its values."""
_TABLES = (ABSENCE, UNITS)


def site_values(site: Mapping[str, SiteSetting], concepts: Mapping[str, Concept]) -> dict[str, Value]:
    """The values of the site concepts that are set, by concept id; numbers are in the concept's own unit.

    Raises SettingsError for a concept that is no site concept, and for a value of another type.
    """
    return {name: _site_value(name, given, concepts.get(name)) for name, given in site.items() if name not in _TABLES}


def slots_without_presumption(
    site: Mapping[str, SiteSetting], slots: Mapping[str, Collection[str]]
) -> frozenset[tuple[str, str]]:
    """The slots (module id, name) for which ``site.absence`` says that a missing entry of a list is never "no".

    ``slots``: by module id the names of those that take it so.  Raises SettingsError for any other, and for a value
    that is neither true nor false.
    """
    given = site.get(ABSENCE, {})
    if not isinstance(given, dict):
        raise SettingsError(f"site.{ABSENCE}: must be a table by module, such as [site.{ABSENCE}.prevent-10y-ascvd]")
    found = set()
    for module, choices in given.items():
        where = f"site.{ABSENCE}.{module}"
        if module not in slots:
            raise SettingsError(
                f"{where}: no module of this id takes an absence from a list{did_you_mean(module, slots)}"
            )
        if not isinstance(choices, dict):
            raise SettingsError(f"{where}: must be a table by slot, each true or false")
        for slot, choice in choices.items():
            if slot not in slots[module]:
                known = did_you_mean(slot, slots[module])
                raise SettingsError(f"{where}.{slot}: the module takes no absence from a list in this slot{known}")
            if not isinstance(choice, bool):
                raise SettingsError(f"{where}.{slot}: must be true or false")
            if not choice:
                found.add((module, slot))
    return frozenset(found)


def site_units(site: Mapping[str, SiteSetting], concepts: Mapping[str, Concept]) -> dict[str, str]:
    """By concept id, the UCUM unit in which the site shows its values (``site.units``).

    Raises SettingsError for a concept that does not exist or has no unit, and for a unit that this does not convert to.
    """
    given = site.get(UNITS, {})
    if not isinstance(given, dict):
        raise SettingsError(f'site.{UNITS}: must be a table, such as [site.{UNITS}] with serum-creatinine = "umol/L"')
    units = {name: _site_unit(name, unit, concepts) for name, unit in given.items()}
    ids = {concept.iri: concept.id for concept in concepts.values()}
    for concept in concepts.values():
        # What is computed here and what records hold of it are one quantity to a reader.
        recorded = ids.get(concept.recorded_as or "")
        if recorded is not None and concept.id in units:
            units.setdefault(recorded, units[concept.id])
    return units


def _site_unit(name: str, unit: Any, concepts: Mapping[str, Concept]) -> str:
    where, concept = f"site.{UNITS}.{name}", concepts.get(name)
    if concept is None:
        raise SettingsError(f"{where}: no such concept{did_you_mean(name, concepts)}")
    if concept.unit is None:
        raise SettingsError(f"{where}: the concept has no unit")
    if not isinstance(unit, str):
        raise SettingsError(f'{where}: must be a UCUM unit in quotes, such as "{concept.unit}"')
    try:
        convert(Decimal(1), concept.unit, unit, concept.molar_mass)
    except UnitError:
        raise SettingsError(f"{where}: must be a UCUM unit that {concept.unit} converts to") from None
    return unit


def _site_value(name: str, given: SiteSetting, concept: Concept | None) -> Value:
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


@cache
def warn_if_readable_by_all(path: Path, setting: str) -> None:
    """Log, once for each file, that everybody on the machine can read a secret; its name is in the settings."""
    try:
        is_open = path.stat().st_mode & stat.S_IROTH
    except OSError:
        return
    if is_open:
        log.warning("%s can be read by everybody on this machine: chmod o-r", setting)
