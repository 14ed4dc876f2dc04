"""The collectors' branch of the exception tree.

    MedtwinError
    └── CollectorError                records could not be retrieved from a source
        ├── SourceUnreachableError    no response in time, connection refused, 5xx after retries
        ├── SourceRefusedError        401 or 403
        │   ├── AuthorisationError    no token is available for us
        │   └── ScopeError            the caller's own token does not cover a type: nothing was sent
        ├── TokenRequiredError        the source needs the caller's token, and none was given
        ├── CredentialError           a key or certificate of ours cannot be used; reported at start
        ├── SourceAnswerError         not FHIR R4: HTML, broken JSON, wrong type, page loop, too large
        │   └── VersionGoneError      the version of a record that was read is not to be had any more
        ├── OtherPatientError         a record that was read is not one of the patient's
        ├── NotSuppliedError          no supplied records, and no source to search
        ├── SuppliedRecordsError      supplied records are not FHIR JSON, or not complete
        ├── TerminologyError          a set of codes is unavailable; its branch is drawn in terminology/code_set.py
        └── PatientNotFoundError      the source has no such patient

None of these leaves ``gather`` but PatientNotFoundError: the others become a ``Failure`` of the concepts concerned.
TokenRequiredError, CredentialError and SuppliedRecordsError are raised before it.
Messages name the source's id and the fault, never a URL with an identifier in it.
"""

from ontology.errors import MedtwinError


class CollectorError(MedtwinError):
    """Records could not be retrieved from a source."""


class SourceUnreachableError(CollectorError):
    """No response in time, connection refused, or an error of the server after retries."""


class SourceRefusedError(CollectorError):
    """The source does not permit this request (401 or 403)."""


class AuthorisationError(SourceRefusedError):
    """The source's authorisation server gives us no token."""


class ScopeError(SourceRefusedError):
    """The scopes of the caller's token do not cover a search for this type; the source was not asked."""


class TokenRequiredError(CollectorError):
    """The source needs the caller's token, and the caller gave none."""


class CredentialError(CollectorError):
    """A key or a certificate of ours cannot be used; the message says why, and contains no part of it."""


class SourceAnswerError(CollectorError):
    """The source's response is not the FHIR that was requested, or is incomplete."""


VERSION_GONE = "this version of the record is not there any more"


class VersionGoneError(SourceAnswerError):
    """The version of a record that was read is not to be had any more: 404, 410, or another version came."""


class OtherPatientError(CollectorError):
    """A record is of another patient, or of nobody; nothing of it is in the text."""


class PatientNotFoundError(CollectorError):
    """The source has no such patient."""


class NotSuppliedError(CollectorError):
    """No records were supplied for a search, and there is no source to search."""


class SuppliedRecordsError(CollectorError):
    """Supplied records are not FHIR JSON, or not complete."""
