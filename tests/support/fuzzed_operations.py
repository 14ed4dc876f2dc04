"""Bodies of POST /graphql that nobody would write: operations of the schema, broken ones, wild values, and no GraphQL.

``hypothesis-graphql`` makes operations from the schema.  Since a random id finds no patient, most of their arguments
are replaced by ones that lead somewhere, or by wild ones.  Which, a random generator chooses: Hypothesis prefers to
repeat itself, and would ask most often for what fails.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FloatValueNode,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    Visitor,
    print_ast,
    visit,
)
from graphql import NameNode as Name
from hypothesis import strategies as st
from hypothesis_graphql import Mode, from_schema

BIDI = "\u202e\u2066egfr\u2069\u200f"
WORDS = (
    "", " ", "\x00", "\x7f", "\ufeff", "\ufffd", BIDI, "e\u0301gfr", "\U0001f9ea", "\u0130", "\u00df", "\u2028",
    "a" * 5_000, "%00", "../../etc/passwd", "Patient/", "_history", "?_id=*", "&patient=", "\r\nX: 1", "{{7*7}}",
    "$where", "' OR 1=1 --", "<script>", "true", "null", "NaN", "0", "-0", "1e999", "__proto__", "\\", '"', "[" * 50,
)  # fmt: skip
NUMBERS = (0, -1, 1, 500, 501, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 10**30, 10**400, -(10**400))
FLOATS = ("0.0", "-0.0", "1e-400", "1e308", "1e309", "-1e999", "0.1e1", "5e-324", "1.7976931348623157e308")
TIMES = (
    *("2026-06-02T12:00:00Z",) * 9, "2026-06-02T12:00:00+14:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "2026-06-02T12:00:00.123456789012Z",
)  # fmt: skip
NO_TIMES = (
    "2026-06-02", "2026-06-02T12:00:00", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-06-02T24:00:00Z",
    "2026-06-02T12:00:60Z", "2026-06-02T12:00:00+99:99", "\u0662\u0660\u0662\u0666-06-02T12:00:00Z", "-1",
)  # fmt: skip
CONCEPTS = (
    "egfr", "age", "serum-creatinine", "news2", "kidney-failure-risk-5y", "egfr-slope", "cha2ds2-vasc", "bmi",
    "prevent-10y-ascvd", "hba1c-defined-diabetes", "ckd-chronicity", "no-such-concept",
)  # fmt: skip
UNITS = ("mg/dL", "umol/L", "[degF]", "1", "", "mg/dl", "{score}", "m" * 400, "10*400", "kg/(m.m)", "µmol/L")
PATIENTS = (
    *("pt-q00",) * 7, "Patient/pt-q00", *("pt-q01",) * 3, "https://ehr.example/fhir/Patient/pt-q00",
)  # fmt: skip
"""The caller's own, three times of four; else another, of whom nothing may be told."""
SOURCES = (*("ehr",) * 9, "lab")
_LEADING: Mapping[str, tuple[str, ...]] = {
    "id": PATIENTS, "source": SOURCES, "concept": CONCEPTS, "produces": CONCEPTS, "of": CONCEPTS,
    "at": TIMES, "from": TIMES, "to": TIMES, "since": TIMES, "unit": UNITS,
}  # fmt: skip
LEAST_DEPTH, MOST_DEPTH = 2, 400

Json = dict[str, Any]

_randoms = st.randoms(use_true_random=True)
_texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=20))
_numbers = st.one_of(st.sampled_from(NUMBERS), st.integers())


@st.composite
def _deep(draw: st.DrawFn) -> ValueNode:
    """Lists or objects in one another."""
    made: ValueNode = StringValueNode(value="egfr")
    as_list = draw(st.booleans())
    for _ in range(draw(st.integers(LEAST_DEPTH, MOST_DEPTH))):
        if as_list:
            made = ListValueNode(values=(made,))
        else:
            made = ObjectValueNode(fields=(ObjectFieldNode(name=Name(value="quantity"), value=made),))
    return made


def _wild() -> st.SearchStrategy[ValueNode]:
    return st.one_of(
        _texts.map(lambda text: StringValueNode(value=text)),
        st.sampled_from(NO_TIMES).map(lambda text: StringValueNode(value=text)),
        _numbers.map(lambda number: IntValueNode(value=str(number))),
        st.sampled_from(FLOATS).map(lambda text: FloatValueNode(value=text)),
        st.just(NullValueNode()),
        _deep(),
    )


def _leading(name: str, is_list: bool, random: Random) -> ValueNode | None:
    """A value of an argument that leads to an answer, or just beside one; None where it has no such values."""
    if name not in _LEADING:
        return None
    count = random.randint(1, 4) if is_list else 1
    chosen = tuple(StringValueNode(value=random.choice(_LEADING[name])) for _ in range(count))
    return ListValueNode(values=chosen) if is_list else chosen[0]


class _Values(Visitor):
    """Replaces values of arguments and of the fields of input objects."""

    def __init__(self, draw: st.DrawFn, random: Random) -> None:
        super().__init__()
        self._draw = draw
        self._random = random

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        return self._replace(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        return self._replace(node)

    def _replace(self, node: ArgumentNode | ObjectFieldNode) -> Any:
        if self._random.randrange(40) == 0:
            value = self._draw(_wild())
        elif leading := _leading(node.name.value, isinstance(node.value, ListValueNode), self._random):
            value = leading
        else:
            return None
        return type(node)(name=node.name, value=value)


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema) -> str:
    """The text of an operation: valid, against the schema, or broken somewhere."""
    random = draw(_randoms)
    mode = Mode.NEGATIVE if random.randrange(8) == 0 else Mode.POSITIVE
    times = st.sampled_from(TIMES).map(lambda text: StringValueNode(value=text))
    scalars = {"DateTime": times, "JSON": st.just(NullValueNode())}
    fields = None if random.randrange(5) == 0 else ["patient"]
    made: DocumentNode = draw(
        from_schema(schema, fields=fields, custom_scalars=scalars, print_ast=lambda node: node, mode=mode)
    )
    text = print_ast(visit(made, _Values(draw, random)))
    if random.randrange(10) == 0:
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 40)))
        inserted = draw(st.one_of(_texts, st.sampled_from(("{", "}", "...F", "@skip(if: 3)", "#", '"""', text))))
        text = text[:begin] + inserted + text[end:]
    return text


_PATIENT = "$id: ID!, $source: ID, $of: [ID!]!, $at: DateTime, $assume: [Assumption!], $format: RdfFormat"
RESULTS = f"""query ({_PATIENT}) {{ patient(id: $id, source: $source) {{ id reference
  results(of: $of, at: $at, assume: $assume) {{ status text fhir provenance(format: $format) issues {{ code text }}
    chain {{ reason grounds {{ slot }} }} }} }} }}"""
ATTRIBUTION = f"""query ({_PATIENT}, $baseline: Baseline, $since: DateTime) {{ patient(id: $id, source: $source) {{
  results(of: $of, at: $at, assume: $assume) {{ attribution(baseline: $baseline, since: $since) {{ text }}
    provenance(format: $format) }} }} }}"""
TIMELINE = """query ($id: ID!, $source: ID, $one: ID!, $from: DateTime!, $to: DateTime!, $most: Int) {
  patient(id: $id, source: $source) { timeline(of: $one, from: $from, to: $to, atMost: $most) { points { text } } } }"""
CATALOG = """query ($search: String, $first: Int, $one: ID!, $of: [ID!]!) {
  concepts(search: $search, first: $first) { id } modules(produces: $one) { id } plan(of: $of) { calls { needs } } }"""


def _leaves() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.booleans(),
        _numbers,
        st.floats(allow_nan=True, allow_infinity=True),
        _texts,
        st.sampled_from(("\ud800", "\udfff\ud800", *NO_TIMES, *CONCEPTS, *UNITS)),
    )


def wild_json() -> st.SearchStrategy[Any]:
    """Whatever JSON can write, and some things that it cannot: NaN, infinities, halves of surrogate pairs."""
    names = st.sampled_from(
        ("concept", "quantity", "value", "unit", "coding", "system", "code", "boolean", "absent", "")
    )
    return st.recursive(
        _leaves(),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
        max_leaves=8,
    )


def _assumption(random: Random) -> Json:
    kinds: list[Json] = [
        {"quantity": {"value": random.choice((0, 1, -1, 1.2, 1e308, 5e-324, 10**30)), "unit": random.choice(UNITS)}},
        {"boolean": random.random() < 0.5},
        {"absent": True},
        {"coding": {"system": "http://hl7.org/fhir/administrative-gender", "code": random.choice(("male", "", BIDI))}},
        {},
    ]
    return {"concept": random.choice(CONCEPTS), **random.choice(kinds)}


@st.composite
def _variables(draw: st.DrawFn) -> Any:
    """Of these operations: each good or nearly so; in one of six, some are wild or left out."""
    random = draw(_randoms)
    baseline = random.choice(("REFERENCE", "EARLIER", "ACTUAL"))
    good: Json = {
        "id": random.choice(PATIENTS),
        "source": random.choice((*SOURCES, None)),
        "of": [random.choice(CONCEPTS) for _ in range(random.randint(1, 4))],
        "at": random.choice(TIMES),
        "assume": [_assumption(random) for _ in range(random.choice((0, 0, 1, 2)))],
        "one": random.choice(CONCEPTS),
        "from": random.choice((*("2026-05-01T00:00:00Z",) * 20, *TIMES)),
        "to": random.choice(TIMES),
        "most": random.choice((None, 1, 100, 500, 0, -1)),
        "search": draw(_texts),
        "first": random.choice((None, 0, 1, 500, 501)),
        "baseline": baseline,
        "since": random.choice(("2026-05-01T00:00:00Z", None, *TIMES)) if baseline == "EARLIER" else None,
        "format": random.choice(("TURTLE", "JSON_LD")),
    }
    if random.randrange(6) == 0:
        for name in random.sample(sorted(good), random.randint(1, 4)):
            good[name] = draw(wild_json())
        if random.randrange(3) == 0:
            del good[random.choice(sorted(good))]
    return good


def _encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


def _wild_bodies() -> st.SearchStrategy[bytes]:
    """What is no request of GraphQL, or hardly one: also bytes, half surrogates, and JSON of a thousand levels."""
    asked = st.fixed_dictionaries({"query": _texts, "variables": wild_json(), "operationName": _leaves()})
    deep = st.sampled_from((1, 50, 500, 5_000, 20_000))
    return st.one_of(
        asked.map(_encoded),
        wild_json().map(lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")),
        st.binary(max_size=40),
        deep.map(lambda n: b'{"query": "{ modules { id } }", "variables": {"a": ' + b"[" * n + b"]" * n + b"}}"),
        deep.map(lambda n: b'{"query": "' + b"{ patient" * n + b'"}'),
    )


def bodies(schema: GraphQLSchema) -> Mapping[str, tuple[float, st.SearchStrategy[bytes]]]:
    """Bodies of requests by their form, with the share that each form has of all."""

    def asked(text: str) -> st.SearchStrategy[bytes]:
        return _variables().map(lambda variables: _encoded({"query": text, "variables": variables}))

    return {
        "documents": (0.45, documents(schema).map(lambda text: _encoded({"query": text}))),
        "results": (0.20, asked(RESULTS)),
        "attribution": (0.10, asked(ATTRIBUTION)),
        "timeline": (0.10, asked(TIMELINE)),
        "catalog": (0.05, asked(CATALOG)),
        "wild": (0.10, _wild_bodies()),
    }
