"""What a checked token allows, and whether a question is its owner's to ask: the patient of a source, never another's.

A patient id means somebody only within one FHIR server, so a token is bound to a patient *of a source*: the id that it
names, in the source of its issuer that ``Audiences.patient_source`` finds.  ``caller_of`` is the one way from a token
to a question.  It is called before anything is fetched or looked up, and the engine refuses a question whose caller is
bound to another.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec

from collectors.auth.authorisations import Caller
from collectors.auth.permissions import Permissions
from collectors.errors import TokenRequiredError
from collectors.gathering.patient_matching import patient_id_in
from collectors.reading.readout import FHIR_ID
from collectors.settings import Source
from server.errors import QuestionError

OTHER_PATIENT, SOURCE_NOT_PERMITTED, PATIENT_REQUIRED = "other-patient", "source-not-permitted", "patient-required"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a checked token allows: for whom it was issued, for which patients of which sources, and which types.

    ``issuer`` is the id of the issuer in the settings, ``subject`` its `sub`, ``client`` its `client_id` or `azp`.
    ``sources`` are the ids of those that the issuer speaks for, and ``patient`` a FHIR id in that one of them which is
    ``patient_source`` (None: the token names none).  ``any_patient``: the issuer's setting, that a token which names
    no patient is for those of all ``sources``.
    ``scope`` has the scopes, separated by spaces ("": none, which permits nothing of FHIR).

    ``audience`` is the token's `aud`; ``own_audience`` are those that mean this server (``Audiences``).
    ``expires``: seconds since 1970.  ``token``: as it was received.
    """

    issuer: str
    subject: str = field(repr=False)
    client: str
    sources: frozenset[str]
    patient: str | None = field(repr=False)
    patient_source: str
    any_patient: bool
    scope: str
    audience: frozenset[str]
    own_audience: frozenset[str]
    expires: float
    token: str = field(repr=False)

    @property
    def permissions(self) -> Permissions:
        """The types that its scopes let us search and read."""
        return Permissions.from_scopes(self.scope)

    def caller_digest(self, key: bytes) -> str:
        """Stands for issuer, subject and client where they are counted; without the key nobody can compute it.

        ``key``: at most 64 bytes, which processes that count together share.
        """
        text = msgspec.json.encode((self.issuer, self.subject, self.client))
        return hashlib.blake2b(text, key=key, digest_size=16, person=b"mt.caller").hexdigest()


@dataclass(frozen=True, slots=True)
class Audiences:
    """What the audience of an issuer's tokens may mean: this server alone, or a source.

    ``own``: this server; a token for one of them was given to be used here, and is never passed on.  ``addresses``: of
    each source its id and its addresses without a slash at the end, those first for whose patients the issuer speaks.
    """

    own: frozenset[str]
    addresses: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def known(cls, listed: Iterable[str], spoken_for: Sequence[str], sources: Iterable[Source]) -> Self:
        """Out of the audiences by which this server is known, the ids of the issuer's sources, and all sources."""
        bases = {source.id: frozenset(base.rstrip("/") for base in source.bases) for source in sources}
        theirs = frozenset[str]().union(*bases.values())
        own = frozenset(each for each in listed if each.rstrip("/") not in theirs)
        others = [name for name in bases if name not in spoken_for]
        return cls(own, tuple((name, bases[name]) for name in (*spoken_for, *others)))

    def patient_source(self, audience: Iterable[str]) -> str:
        """The id of the source of which the patient is one whom a token for this audience names.

        SMART App Launch names the FHIR server as audience.  A token that names none means the first of the issuer's;
        one that names only a source of others is of no use, since the issuer does not speak for that.
        """
        named = {each.rstrip("/") for each in audience}
        return next((name for name, bases in self.addresses if bases & named), self.addresses[0][0])


def bind(grant: Grant | None, source: Source, patient: str) -> None:
    """Checks that a question about this patient of this source is the token's to ask; no issuers: whoever's it is.

    ``patient`` is a FHIR id.  A reference is compared by the id in it, and anything else is another patient.  Raises
    QuestionError (``source-not-permitted``, ``patient-required``, ``other-patient``), whose text names no patient.
    """
    if grant is None:
        return
    if source.id not in grant.sources:
        raise QuestionError(SOURCE_NOT_PERMITTED, f"the token's issuer does not speak for source {source.id}")
    if grant.patient is None:
        if grant.any_patient or source.auth == "caller":
            return
        text = f"the token names no patient, and source {source.id} leaves it to us to check whose record it is"
        raise QuestionError(PATIENT_REQUIRED, f"{text}; launch the app with a patient (scope launch/patient)")
    if source.id != grant.patient_source:
        text = f"the token's patient is one of another source than {source.id}, where the same id is somebody else's"
        raise QuestionError(SOURCE_NOT_PERMITTED, text)
    named = patient if FHIR_ID.fullmatch(patient) else patient_id_in(patient, source)
    if named != grant.patient:
        raise QuestionError(OTHER_PATIENT, "the token is for another patient; ask with a token for this one")


def may_pass_on(grant: Grant, source: Source) -> bool:
    """Whether the token was given for this source, by one of its addresses, and not for us.

    A trailing slash makes no difference.
    """
    audience = {each.rstrip("/") for each in grant.audience}
    if not audience.isdisjoint(each.rstrip("/") for each in grant.own_audience):
        return False
    return source.auth == "caller" and any(base.rstrip("/") in audience for base in source.bases)


def caller_of(grant: Grant | None, token: str | None, source: Source, patient: str) -> Caller:
    """Whoever asks about this patient (FHIR id) of this source, bound to both.

    ``token`` counts only without issuers (``grant`` None), and is then passed on to the source that was named.  Raises
    what ``bind`` raises, and TokenRequiredError where the source wants a token that this one is not for.
    """
    if grant is None:
        return Caller(token)
    bind(grant, source, patient)
    passed_on = may_pass_on(grant, source)
    if source.auth == "caller" and not passed_on:
        raise TokenRequiredError(
            f"source {source.id} answers with a token that was issued for it alone: the token given does not name its"
            " address as audience, or is for this server, and is not passed on"
        )
    return Caller(
        token=grant.token if passed_on else None,
        permissions=grant.permissions,
        sources=grant.sources,
        patient=(source.id, patient),
        identity=(grant.issuer, grant.subject, grant.client),
    )
