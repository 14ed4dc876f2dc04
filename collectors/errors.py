"""The collectors' branch of the exception tree.

    MedtwinError
    └── CollectorError                a source did not give what was asked
        ├── SourceUnreachableError    no answer in time, connection refused, 5xx after retries
        ├── SourceRefusedError        401 or 403
        │   └── AuthorisationError    no token is available for us
        ├── TokenRequiredError        the source wants the caller's token, and none was given
        ├── CredentialError           a key or certificate of ours cannot be used; reported at start
        ├── SourceAnswerError         not FHIR R4: HTML, broken JSON, wrong type, page loop, too large
        ├── NotSuppliedError          no supplied records answer, and there is no source to ask
        ├── SuppliedRecordsError      supplied records are not FHIR JSON, or not complete
        ├── TerminologyError          a set of codes is unavailable; its branch is drawn in terminology/errors.py
        └── PatientNotFoundError      the source says that it holds no such patient

None of these leaves ``gather`` but PatientNotFoundError: the others become a ``Failure`` of the concepts concerned.
TokenRequiredError, CredentialError and SuppliedRecordsError are raised before it.
Texts name the source's id and the fault, never a URL with an identifier in it.
"""

from ontology.errors import MedtwinError


class CollectorError(MedtwinError):
    """A source did not give what was asked."""


class SourceUnreachableError(CollectorError):
    """No answer in time, connection refused, or an error of the server after retries."""


class SourceRefusedError(CollectorError):
    """The source does not permit this request (401 or 403)."""


class AuthorisationError(SourceRefusedError):
    """The source's authorisation server gives us no token."""


class TokenRequiredError(CollectorError):
    """The source answers with the caller's token only, and the caller gave none."""


class CredentialError(CollectorError):
    """A key or a certificate of ours cannot be used; the text says why, and holds nothing of it."""


class SourceAnswerError(CollectorError):
    """The source answered, but not with the FHIR that was asked for."""


class PatientNotFoundError(CollectorError):
    """The source holds no such patient."""


class NotSuppliedError(CollectorError):
    """Nothing was handed in that answers, and there is no source to ask."""


class SuppliedRecordsError(CollectorError):
    """What was handed in is not FHIR JSON, or not whole."""
