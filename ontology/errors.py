"""The root of medtwin's exceptions.

The tree (each floor adds its own branch beside its code):

    MedtwinError
    ├── OntologyError              a term, unit or description is not what the vocabulary allows
    │   ├── UnitError              a unit is unknown or cannot be converted
    │   └── EncodingError          a value has no canonical form
    ├── CollectorError             a source did not give what was asked (collectors/errors.py)
    └── ServerError                settings, catalog, compiler, question (server/errors.py)

Exceptions are for developers and operators; the edge turns them into GraphQL errors.  Their texts name
terms, files, settings and FHIR elements, and never a value, an identifier or a name out of a patient's record.
"""


class MedtwinError(Exception):
    """Root of all exceptions that medtwin raises on purpose."""


class OntologyError(MedtwinError):
    """A term, unit or description is not what the vocabulary allows."""


class UnitError(OntologyError):
    """A unit is not known, or one unit cannot be converted to another."""


class EncodingError(OntologyError):
    """A value is of a type that has no canonical form."""
