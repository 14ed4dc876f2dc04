"""What can be wrong with value sets and concept maps.

    CollectorError
    └── TerminologyError          a set of codes cannot be had
        ├── DefinitionError       a file or an answer is no value set or concept map that can be used
        ├── UnknownSetError       nothing here defines the set
        ├── ServerNeededError     only a terminology server can work the set out
        └── TooCostlyError        the terminology server refuses to expand the set: its codes are too many

Texts name the set's canonical, the file and the fault; never a patient, never an address.
"""

from collectors.errors import CollectorError


class TerminologyError(CollectorError):
    """A set of codes cannot be had."""


class DefinitionError(TerminologyError):
    """A file or an answer is no value set or concept map that can be used."""


class UnknownSetError(TerminologyError):
    """Nothing here defines the set."""


class ServerNeededError(TerminologyError):
    """Only a terminology server can work the set out."""


class TooCostlyError(TerminologyError):
    """The terminology server refuses to expand the set."""
