"""By what an override is recognised: a service's rule, its band, and all that the card rests on, in canonical form.

The same drug ordered again tomorrow, with the same records, has the same grounds; another eGFR has not.
"""

from collections.abc import Iterable

from ontology.encoding import Encodable, encode
from ontology.resources import RecordRef, records_of
from ontology.values import Coding
from server.catalog.services import CardRule, Service
from server.executor.trace import BoundInput
from server.explain.dependencies import Dependencies
from server.explain.results import AnswerResult
from server.hooks.judgement import Judged

_OF_ORDERS = "DRAFT_ORDER"


def grounds_key(service: Service, judged: Judged, also: Iterable[AnswerResult], dependencies: Dependencies) -> bytes:
    """Canonical bytes of service, rule, bands, and the values and records (with versions) that the result rests on.

    Of what is shown beside them the values alone count.  Of a draft order its concept counts and not its id: each order
    has a new one.  The time of the question is no part.  No name is among it, only FHIR ids.
    """
    rule = judged.rule
    form: Encodable = {
        "service": service.id,
        "rule": (rule.concept, rule.draft or "", judged.ordered.name),
        "bands": tuple(sorted((each.system, each.code) for each in judged.bands)),
        "inputs": tuple(sorted(_leaves(judged, rule, dependencies))),
        # The value alone: the next prescription of the same drug says nothing new, another score does.
        "also": tuple(sorted({(each.concept.id, encode(each.value).hex()) for each in also})),
    }
    return encode(form)


def _leaves(judged: Judged, rule: CardRule, dependencies: Dependencies) -> Iterable[tuple[str, str, str]]:
    """Each input from records or settings: its concept, its value in canonical form (hex), and its records."""
    if judged.position is None:
        leaf = judged.result.leaf
        if leaf is not None:
            yield rule.concept, encode(leaf.value).hex(), _records(leaf.records)
        return
    found = set()
    for step in dependencies.relevant_steps(judged.position):
        irrelevant = dependencies.irrelevant_inputs(step)
        for name, given in dependencies.executions[step].inputs.items():
            if name not in irrelevant and not given.steps and given.slot.concept.origin.value != _OF_ORDERS:
                found.add(_leaf(given))
    yield from found


def _leaf(given: BoundInput) -> tuple[str, str, str]:
    return given.slot.concept.id, encode(given.value).hex(), _records(records_of(given.resources))


def _records(records: Iterable[RecordRef]) -> str:
    # Without the server: a record that was supplied is the same as when it is fetched.
    refs = {(each.type, each.id, each.version or "") for each in records}
    return encode(tuple(sorted(refs))).hex()


def band_of(judged: Judged) -> Coding | None:
    """The one band that the result met; None of a FLAG, and where several are possible."""
    return judged.bands[0] if len(judged.bands) == 1 else None
