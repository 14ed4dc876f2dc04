"""Questions to whoever sits at the terminal."""

import sys
from collections.abc import Sequence

from server.errors import SettingsError


class Console:
    """Asks; with ``yes`` every question has its default for an answer."""

    def __init__(self, yes: bool) -> None:
        self._yes = yes

    def say(self, text: str = "") -> None:
        """Print a line."""
        print(text, flush=True)

    def choose(self, question: str, choices: Sequence[str], flag: str) -> str:
        """One of the choices, of which none is a default.  Raises SettingsError where nobody can be asked."""
        if self._yes or not sys.stdin.isatty():
            raise SettingsError(f"{question} Nobody can be asked here: say it with {flag} {'|'.join(choices)}.")
        while True:
            given = input(f"{question} [{'/'.join(choices)}] ").strip()
            if given in choices:
                return given

    def text(self, question: str, flag: str) -> str:
        """A text.  Raises SettingsError where nobody can be asked."""
        if self._yes or not sys.stdin.isatty():
            raise SettingsError(f"{question} Nobody can be asked here: say it with {flag}.")
        while not (given := input(f"{question} ").strip()):
            pass
        return given

    def confirm(self, question: str) -> bool:
        """Whether it is wanted.  Raises SettingsError where nobody can be asked."""
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise SettingsError(f"{question} Nobody can be asked here: say it with --yes.")
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
