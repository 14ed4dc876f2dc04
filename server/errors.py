"""The server's branch of the exception tree.

    MedtwinError
    └── ServerError
        ├── SettingsError             a setting is missing, unknown or contradictory
        ├── CatalogError              a description cannot be used: file, node and rule are named
        ├── CompileError              a question cannot be turned into a plan
        │   ├── UnknownConceptError
        │   ├── NoProducerError
        │   ├── AmbiguousProducerError
        │   ├── CycleError            shown as a path
        │   └── UnitMismatchError
        ├── QuestionError             a question's own arguments are wrong (assumption, time, source)
        ├── AccessRefusedError        a request brings no token that is accepted here
        ├── ArgumentFileError         a file is not an exported argument, or an incomplete one
        └── KindError                 a description and its implementation, or its inputs, do not match
            └── ModelError            a trained model cannot be loaded, or its output is invalid

Texts name terms, files and settings, never a value or an identifier from a patient's record.  A KindError is a fault of
a module or of its caller, never of a patient's data: the execution boundary makes the result FAILED.
"""

import traceback
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from logging import Logger
from uuid import uuid4

from ontology.errors import MedtwinError


class ServerError(MedtwinError):
    """Root of the exceptions that the server raises."""


class SettingsError(ServerError):
    """A setting is missing, unknown or contradictory."""


class CatalogError(ServerError):
    """Descriptions cannot be used; ``faults`` has a line for each fault, with file, node and rule."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class CompileError(ServerError):
    """A question cannot be turned into a plan; ``code`` is stable and kebab-case."""

    code = "compile-error"


class UnknownConceptError(CompileError):
    """No concept has this id."""

    code = "unknown-concept"


class NoProducerError(CompileError):
    """No module computes the concept and no collector reads it."""

    code = "no-producer"


class AmbiguousProducerError(CompileError):
    """Two modules compute the concept and none is preferred."""

    code = "ambiguous-producer"


class CycleError(CompileError):
    """Modules need each other; the text shows the path."""

    code = "cycle"


class UnitMismatchError(CompileError):
    """A unit can never be converted to that of the slot."""

    code = "unit-mismatch"


class QuestionError(ServerError):
    """The arguments of a question are wrong; ``code`` is stable and kebab-case."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class AccessRefusedError(ServerError):
    """A request brings no token that is accepted here, or none can be checked now.

    ``code`` is ``token-required``, ``invalid-token`` or ``issuer-unreachable``; ``status`` and ``headers`` are those of
    the HTTP response.  The text is one of a fixed number: nothing of the token is in it.
    """

    def __init__(self, code: str, text: str, status: int, headers: Mapping[str, str]) -> None:
        self.code = code
        self.status = status
        self.headers = dict(headers)
        super().__init__(text)


class ArgumentFileError(ServerError):
    """A file cannot be read as an exported argument; the text says what is wrong, and what to do."""


class KindError(ServerError):
    """A description, its implementation and its inputs do not match."""


class ModelError(KindError):
    """A model cannot be loaded, or its output is invalid: its module is FAILED, with this text."""


_FRAMES = 4


def log_unexpected(error: BaseException, log: Logger) -> str:
    """Log an exception that nobody expected under an id, which is returned; its text may hold anything, and is not."""
    number = uuid4().hex[:12]
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames)
    )
    log.error("internal error %s: %s at %s", number, type(error).__qualname__, places or "unknown")
    return number


_MAX_ID_LENGTH = 64
"""Of what was typed; more is no slip of the finger, and would take long to compare."""


def did_you_mean(wanted: str, ids: Iterable[str]) -> str:
    """The end of an error text, such as ``; did you mean egfr?``; nothing where none is near."""
    if len(wanted) > _MAX_ID_LENGTH:
        return ""
    found = sorted(get_close_matches(wanted.lower(), sorted(ids), n=3, cutoff=0.7))
    return f"; did you mean {' or '.join(found)}?" if found else ""
