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
        ├── ArgumentFileError         a file is no exported argument, or an incomplete one
        └── KindError                 a description and its implementation, or its inputs, do not match
            └── ModelError            a trained model cannot be loaded, or its output is invalid

Texts name terms, files and settings, never a value or an identifier out of a patient's record.  A KindError is a fault
of a module or of its caller, never of a patient's data: the execution boundary turns it into FAILED.
"""

from ontology.errors import MedtwinError


class ServerError(MedtwinError):
    """Root of what goes wrong in the server on purpose."""


class SettingsError(ServerError):
    """A setting is missing, unknown or contradictory."""


class CatalogError(ServerError):
    """Descriptions that cannot be used; ``faults`` has one line each, with file, node and rule."""

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
    """A unit can never meet the slot that asks for it."""

    code = "unit-mismatch"


class QuestionError(ServerError):
    """The arguments of a question are wrong; ``code`` is stable and kebab-case."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class ArgumentFileError(ServerError):
    """A file that cannot be read as an exported argument; the text says what is wrong with it, and what to do."""


class KindError(ServerError):
    """A description, its implementation and what it is given do not fit each other."""


class ModelError(KindError):
    """A model cannot be loaded, or what it gives does not hold: its module answers FAILED and says this."""
