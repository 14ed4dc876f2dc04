"""Settings as a file would have them."""

from typing import Any

from server.settings import Settings


def make_settings(**tables: Any) -> Settings:
    """Settings from tables as they are written: what these hold is checked and converted there."""
    return Settings(**tables)
