"""What the operator decides: ``medtwin.toml``, overridden by environment variables ``MEDTWIN_...``."""

from server.settings.load import load_settings
from server.settings.model import CacheSettings, ServerSettings, Settings
from server.settings.site import site_values
from server.settings.source import SourceSettings

__all__ = ["CacheSettings", "ServerSettings", "Settings", "SourceSettings", "load_settings", "site_values"]
