"""What the operator decides: ``medtwin.toml``, overridden by environment variables ``MEDTWIN_...``."""

from server.settings.load import load_settings
from server.settings.model import CacheSettings, ServerSettings, Settings, SourceSettings
from server.settings.site import site_values

__all__ = ["CacheSettings", "ServerSettings", "Settings", "SourceSettings", "load_settings", "site_values"]
