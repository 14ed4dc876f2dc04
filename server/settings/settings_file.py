"""Reads the settings from the file and the environment, and names each fault."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource
from pydantic_settings import SettingsError as PydanticSettingsError

from server.errors import SettingsError
from server.settings.model import Settings

DEFAULT_FILE = Path("medtwin.toml")
_PREFIX = "MEDTWIN_"
# Parts of a place that name no setting, but which of several types of value was tried.
_VARIANTS = frozenset({"bool", "decimal", "str", "dict[str,any]"})


def load_settings(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, may_be_missing: bool = False
) -> Settings:
    """The settings of ``path`` (``medtwin.toml`` here, if there is one), overridden by ``MEDTWIN_...`` variables.

    ``may_be_missing``: the file need not exist yet.  Raises SettingsError with a line for each fault: the setting as
    ``section.key``, and what is allowed.
    """
    variables = os.environ if environ is None else environ
    _refuse_unknown(variables)
    written = {} if may_be_missing and path is not None and not path.exists() else _read_file(path)

    class _Settings(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (_EnvironmentSource(settings_cls, variables), _FileSource(settings_cls, written))

    try:
        return _Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_describe_fault(each) for each in error.errors(include_input=False))) from None
    except PydanticSettingsError:
        raise SettingsError("a MEDTWIN_ variable for a section or a list must be JSON") from None


class _FileSource(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[Any], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


class _EnvironmentSource(EnvSettingsSource):
    def __init__(self, settings_cls: type[Any], variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items() if _has_our_prefix(name)}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


def _read_file(path: Path | None) -> dict[str, Any]:
    if path is None and not DEFAULT_FILE.is_file():
        return {}
    path = path or DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError(f"the settings file {path} cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = error if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        raise SettingsError(f"the settings file {path} is not TOML: {where}") from None


def _has_our_prefix(name: str) -> bool:
    return name.upper().startswith(_PREFIX)


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    sections = set(Settings.model_fields)
    for name in sorted(filter(_has_our_prefix, variables)):
        section = name[len(_PREFIX) :].split("__", 1)[0].lower()
        if section not in sections:
            raise SettingsError(f"{name}: no such setting; sections are {', '.join(sorted(sections))}")


def _describe_fault(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in _VARIANTS) or "settings"
    if error["type"] == "extra_forbidden":
        return f"{where}: no such setting"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"
