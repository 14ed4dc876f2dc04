"""The operator's settings: ``medtwin.toml``, overridden by environment variables ``MEDTWIN_...``."""

from server.settings.callers import IntrospectionSettings, IssuerSettings
from server.settings.endpoints import SourceSettings
from server.settings.hooks import HookClientSettings, HookSettings
from server.settings.launch import LaunchSettings, SourceLaunchSettings
from server.settings.model import CacheSettings, ServerSettings, Settings
from server.settings.settings_file import load_settings
from server.settings.validation import site_units, site_values, slots_without_presumption

__all__ = [
    "CacheSettings",
    "HookClientSettings",
    "HookSettings",
    "IntrospectionSettings",
    "IssuerSettings",
    "LaunchSettings",
    "ServerSettings",
    "Settings",
    "SourceLaunchSettings",
    "SourceSettings",
    "load_settings",
    "site_units",
    "site_values",
    "slots_without_presumption",
]
