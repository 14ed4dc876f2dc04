"""Calls of services that nobody would make: contexts and prefetches that are good, nearly so, or wild.

A seeded generator chooses: each call is of one of the services, about a patient of the EHR, about one that it does not
have, or about a text that is no id.  What is prefetched may lack keys, hold another patient's records, an error, half a
page, records whose elements were changed, or anything at all.
"""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from server.catalog.services import Service
from tests.support.fuzzed_operations import BIDI, NUMBERS, WORDS
from tests.support.hook_ehr import BASE, Ehr
from tests.support.hook_site import AUTHORIZATION, call_of, context_of
from tests.support.renal_orders import (
    ASPIRIN_LOW_DOSE,
    IBUPROFEN_400,
    IBUPROFEN_GEL,
    METFORMIN_500,
    SITAGLIPTIN_100,
    draft,
)

Json = dict[str, Any]

DRUGS = (METFORMIN_500, METFORMIN_500, IBUPROFEN_400, SITAGLIPTIN_100, ASPIRIN_LOW_DOSE, IBUPROFEN_GEL)
ODD_NUMBERS = tuple(each for each in NUMBERS if abs(each) < 10**40)
SCOPES = ("patient/*.rs", "patient/*.read", "patient/Observation.rs patient/Patient.rs", "openid", "user/*.r", "")
TIMES = ("2026-06-30T09:00:00Z", "2026-06-31", "0001-01-01", "9999-12-31T23:59:59Z", "2026", "2026-06-30T25:00:00Z")
NO_PATIENTS = ("nobody", "../x", "", BIDI, 7, None)
BROKEN = ("}", "{", '"', ",", "\\ud800", "NaN", "[" * 200)
UNITS = ("mg/dL", "umol/L", "mmol/L", "", "furlong", "%")


def wild(random: Random, depth: int = 3) -> Any:
    """Any JSON."""
    kind = random.randrange(8 if depth else 5)
    if kind == 0:
        return random.choice((None, True, False))
    if kind == 1:
        return random.choice((*ODD_NUMBERS, 0.1, -1e300, 5e-324))
    if kind < 5:
        return random.choice((*WORDS, *TIMES, *UNITS, "Patient", "Bundle", "searchset"))
    if kind < 6:
        return [wild(random, depth - 1) for _ in range(random.randrange(4))]
    names = ("resourceType", "id", "subject", "reference", "entry", "resource", "code", "coding", "value", "x", "")
    return {random.choice(names): wild(random, depth - 1) for _ in range(random.randrange(4))}


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Each place in a document: its holder and its name or number there."""
    if isinstance(value, (dict, list)):
        for name, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
            found.append((value, name))
            places(each, found)
    return found


def spoil(document: Json, random: Random, times: int) -> Json:
    """The document with some of its elements replaced, left out or doubled."""
    made = copy.deepcopy(document)
    for _ in range(times):
        holder, name = random.choice(places(made, []) or [(made, "x")])
        match random.randrange(6):
            case 0 if isinstance(holder, dict):
                holder.pop(name, None)
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[name]))
            case 2:
                holder[name] = random.choice((random.choice(TIMES), random.choice(UNITS), random.choice(ODD_NUMBERS)))
            case 3 if isinstance(holder[name], str):
                holder[name] = f"{holder[name]}{random.choice(WORDS)}"
            case 4:
                holder[name] = [holder[name]]
            case _:
                holder[name] = wild(random)
    return made


class HookFuzzer:
    """Makes calls about ``patients`` of an EHR; records of ``other`` are handed in as if they were theirs."""

    def __init__(self, ehr: Ehr, catalog: Any, patients: Sequence[str], other: str, random: Random) -> None:
        self._ehr = ehr
        self._catalog = catalog
        self._patients = patients
        self._other = other
        self._random = random
        self._kept: dict[tuple[str, str], Json] = {}

    def call(self, service: Service) -> tuple[str, bytes]:
        """The patient whom a call names, and its body."""
        random = self._random
        patient = random.choice(self._patients)
        fetch = BASE if random.random() < 0.4 else None
        prefetch = self._prefetch(service, patient) if random.random() < 0.85 or fetch is None else None
        authorization = {**AUTHORIZATION, "scope": random.choice((*(SCOPES[0],) * 6, *SCOPES))}
        if random.random() < 0.2:
            authorization["patient"] = random.choice((patient, patient, self._other, wild(random)))
        body = call_of(
            service, patient, prefetch, fetch, fhirAuthorization=authorization, context=self._context(service, patient)
        )
        if fetch is None:
            del body["fhirAuthorization"]
        if random.random() < 0.06:
            body = spoil(body, random, random.randint(1, 3))
        text = json.dumps(body)
        if random.random() < 0.03:
            place, inserted = random.randrange(len(text)), random.choice(BROKEN)
            text = f"{text[:place]}{inserted}{text[place + random.randrange(3) :]}"
        return patient, text.encode()

    def _context(self, service: Service, patient: str) -> Json:
        random = self._random
        drafts = [
            draft(random.choice(DRUGS), f"draft-{number}", self._other if random.random() < 0.1 else patient)
            for number in range(random.randrange(4))
        ]
        drafts = [spoil(each, random, 1) if random.random() < 0.2 else each for each in drafts]
        drafts = [each for each in drafts if isinstance(each.get("id"), str) and "resourceType" in each]
        context = context_of(service, patient, drafts)
        if random.random() < 0.08:
            context = spoil(context, random, 1)
        if random.random() < 0.03:
            context["patientId"] = random.choice((self._other, f"Patient/{patient}", *NO_PATIENTS))
        return context

    def _prefetch(self, service: Service, patient: str) -> Json:
        random = self._random
        made = copy.deepcopy(self._whole(service, patient))
        for key in list(made):
            match random.randrange(24):
                case 0:
                    del made[key]
                case 1:
                    made[key] = None
                case 2:
                    made[key] = {"resourceType": "OperationOutcome", "issue": []}
                case 3:
                    made[key] = self._whole(service, self._other)[key]
                case 4 if made[key].get("entry"):
                    made[key]["entry"] += self._whole(service, self._other)[key]["entry"]
                case 5 if "entry" in made[key]:
                    made[key]["link"] = [{"relation": "next", "url": f"{BASE}/x?page=2"}]
                case 6:
                    made[key] = spoil(made[key], random, random.randint(1, 4))
                case 7:
                    made[key] = wild(random)
                case 8 if made[key].get("entry"):
                    made[key]["entry"] = [
                        {"resource": spoil(each["resource"], random, 1)} for each in made[key]["entry"]
                    ]
                case _:
                    pass
        return made

    def _whole(self, service: Service, patient: str) -> Json:
        known = (service.id, patient)
        if known not in self._kept:
            self._kept[known] = self._ehr.prefetch(self._catalog, service, patient)
        return self._kept[known]
