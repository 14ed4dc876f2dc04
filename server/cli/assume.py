"""``--assume CONCEPT=VALUE``: what to take as given instead of the record's, in words that a shell can hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ontology.concepts import Concept, ValueType
from ontology.values import Coding, Value
from server.catalog.descriptions import Kind
from server.catalog.load import Catalog
from server.catalog.nearest import nearest
from server.errors import QuestionError, UnknownConceptError

if TYPE_CHECKING:
    from server.graphql.assumptions import Assumption

_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(.*?)\s*")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_MISSING = "missing"


def given_inputs(texts: Sequence[str], catalog: Catalog) -> list[dict[str, Any]]:
    """The assumptions as GraphQL takes them.

    ``1.2mg/dL``, ``yes``, ``no``, ``missing``, a code (``SYSTEM|CODE``, or only its CODE where the concept knows it).
    Raises UnknownConceptError and QuestionError; their texts say what is allowed, not what was given.
    """
    return [_input(text, catalog) for text in texts]


def read_inputs(inputs: Sequence[Mapping[str, Any]], catalog: Catalog) -> dict[str, Value]:
    """The values, checked as those of a GraphQL question are, and with the same errors."""
    # GraphQL takes a third of a second to import: only who assumes something waits for it.
    from server.graphql.assumptions import read_assumptions

    return read_assumptions(map(_assumption, inputs), catalog.concepts, catalog.modules.values())


def _assumption(given: Mapping[str, Any]) -> "Assumption":
    from server.graphql.assumptions import Assumption, CodingInput, QuantityInput

    made: dict[str, Any] = dict(given)
    for name, kind in (("quantity", QuantityInput), ("coding", CodingInput)):
        if name in made:
            made[name] = kind(**made[name])
    return Assumption(**made)


def _input(text: str, catalog: Catalog) -> dict[str, Any]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value:
        raise QuestionError("assumption-form", "--assume takes CONCEPT=VALUE, such as serum-creatinine=1.2mg/dL")
    concept = catalog.concepts.get(name)
    if concept is None:
        raise UnknownConceptError(f"--assume names a concept that does not exist{nearest(name, catalog.concepts)}")
    if value.lower() == _MISSING:
        return {"concept": concept.id, "absent": True}
    match concept.value_type:
        case ValueType.QUANTITY:
            return {"concept": concept.id, "quantity": _quantity(value, concept)}
        case ValueType.FLAG if value.lower() in _FLAGS:
            return {"concept": concept.id, "boolean": _FLAGS[value.lower()]}
        case ValueType.CODING:
            return {"concept": concept.id, "coding": _coding(value, concept, catalog)}
    allowed = "yes, no or missing" if concept.value_type is ValueType.FLAG else "missing and nothing else"
    raise QuestionError("assumption-type", f"{concept.id} takes {allowed}")


def _quantity(text: str, concept: Concept) -> dict[str, Any]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise QuestionError("assumption-type", f"{concept.id} takes a number with its unit, or missing")
    own = concept.unit or "1"
    # A count or a score has no unit to be mistaken; of all else the unit is never guessed.
    if not match[2] and own != "1" and not own.startswith("{"):
        units = ", ".join(dict.fromkeys((own, *concept.units)))
        raise QuestionError("assumption-unit", f"{concept.id} needs a unit, as in {concept.id}=1{own}: {units}")
    return {"value": float(match[1]), "unit": match[2] or own}


def _coding(text: str, concept: Concept, catalog: Catalog) -> dict[str, Any]:
    if "|" in text:
        system, _, code = text.partition("|")
        return {"system": system, "code": code}
    known = dict.fromkeys(_codes(concept, catalog))
    found = [coding for coding in known if coding.code == text]
    if len(found) != 1:
        codes = ", ".join(dict.fromkeys(coding.code for coding in known))
        raise QuestionError(
            "assumption-code", f"{concept.id} takes SYSTEM|CODE{f', or one of {codes}' if codes else ''}"
        )
    return {"system": found[0].system, "code": found[0].code}


def _codes(concept: Concept, catalog: Catalog) -> Iterator[Coding]:
    """The codes that the concept's answers, the rules that compute it and the models that read it name."""
    for answer in concept.answers:
        if isinstance(answer.means, Coding):
            yield Coding(answer.means.system, answer.means.code)
    for module in catalog.modules.values():
        for case in module.cases if module.kind is Kind.RULE and module.produces.id == concept.id else ():
            if isinstance(case.output, Coding):
                yield Coding(case.output.system, case.output.code)
        for feature in module.model.features if module.model is not None else ():
            for code, _ in feature.encodes if module.slot(feature.slot).concept.id == concept.id else ():
                if isinstance(code, Coding):
                    yield Coding(code.system, code.code)
