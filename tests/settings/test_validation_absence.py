"""``site.absence``: by module and slot whether an entry missing from a list may mean no; faults are named."""

from typing import Any

import pytest

from server.errors import SettingsError
from server.settings import load_settings, slots_without_presumption
from server.settings.validation import SiteSetting, site_values

SLOTS = {"prevent-10y-ascvd": ("diabetes", "statin"), "prevent-10y-heart-failure": ("diabetes",)}


@pytest.mark.parametrize(
    ("given", "off"),
    [
        ({}, set()),
        ({"prevent-10y-ascvd": {}}, set()),
        ({"prevent-10y-ascvd": {"statin": True}}, set()),
        ({"prevent-10y-ascvd": {"statin": False, "diabetes": True}}, {("prevent-10y-ascvd", "statin")}),
        (
            {"prevent-10y-ascvd": {"diabetes": False}, "prevent-10y-heart-failure": {"diabetes": False}},
            {("prevent-10y-ascvd", "diabetes"), ("prevent-10y-heart-failure", "diabetes")},
        ),
    ],
)
def test_what_is_switched_off(given: dict[str, Any], off: set[tuple[str, str]]) -> None:
    site: dict[str, SiteSetting] = {"absence": given, "north-america": True}
    assert slots_without_presumption(site, SLOTS) == off
    assert site_values({"absence": given}, {}) == {}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (True, "site.absence: must be a table"),
        ({"cha2ds2-vasc": {"diabetes": True}}, "site.absence.cha2ds2-vasc: no module of this id"),
        ({"prevent-10y-ascvd": True}, "site.absence.prevent-10y-ascvd: must be a table"),
        (
            {"prevent-10y-ascvd": {"smoking": True}},
            "site.absence.prevent-10y-ascvd.smoking: the module takes no absence",
        ),
        ({"prevent-10y-ascvd": {"statin": "no"}}, "site.absence.prevent-10y-ascvd.statin: must be true or false"),
    ],
)
def test_what_cannot_be_set_so_is_named(given: Any, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        slots_without_presumption({"absence": given}, SLOTS)


def test_from_the_environment() -> None:
    """Names of variables have no hyphen, and their values are text."""
    read = load_settings(None, {"MEDTWIN_SITE__ABSENCE__PREVENT_10Y_ASCVD__STATIN": "false"})
    assert slots_without_presumption(read.site, SLOTS) == {("prevent-10y-ascvd", "statin")}
