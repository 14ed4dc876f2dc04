"""What a Bundle says of each kind of answer, and that the checker of R4's rules finds what is wrong."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import Interval
from ontology.resources import RecordRef
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.descriptions import RiskDefinition
from server.compiler.plan import Goal
from server.executor.trace import BoundInput, GoalAnswer
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.fhir.bundle_parts import MOST_POINTS
from server.explain.fhir.datatypes import json_number
from tests.support import traces as t
from tests.support.fhir_bundles import NOW, BundleJson, note_texts, resources_of_type, result_of_trace, rule_faults


@pytest.mark.parametrize("name", sorted(t.EVERY_TRACE))
def test_every_trace_keeps_r4s_rules(name: str) -> None:
    results = explain(t.EVERY_TRACE[name](), t.interpret)
    assert rule_faults(bundle(results, NOW)) == []
    for result in results:
        assert rule_faults(bundle(result, NOW)) == []


def test_percent_is_percent() -> None:
    """9.1 %, in a module that reckons in percent, and in one that reckons in shares, leaves as 9.1."""
    for value, unit in (("9.1", "%"), ("0.091", "1")):
        result = explain(t.kfre_trace(risk=Quantity(Decimal(value), unit)), t.interpret)[0]
        (prediction,) = resources_of_type(bundle(result), "RiskAssessment")[0]["prediction"]
        assert json.dumps(prediction["probabilityDecimal"]) == "9.1"
        assert prediction["outcome"] == {"text": "kidney failure"}
        assert [(end["value"], end["code"]) for end in prediction["whenRange"].values()] == [(0, "a"), (5, "a")]
        assert "is not an age" in prediction["rationale"]


def test_what_is_so_already_has_no_time_to_come() -> None:
    trace = t.kfre_trace()
    now = replace(t.KFRE_MODULE, risk=RiskDefinition("diabetes that is not known", "P0D"))
    runs = (trace.executions[0], replace(trace.executions[1], description=now))
    result = explain(replace(trace, executions=runs), t.interpret)[0]
    assert ", about 9 in 100 similar people now (as of" in result.text
    made = bundle(result)
    assert rule_faults(made) == []
    (prediction,) = resources_of_type(made, "RiskAssessment")[0]["prediction"]
    assert prediction["whenPeriod"] == {"start": t.AT.isoformat(), "end": t.AT.isoformat()}
    assert "whenRange" not in prediction


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1.1", "1.1"), ("0.1", "0.1"), ("45.26", "45.26"), ("4.10", "4.1"), ("1E+3", "1000"), ("100", "100"),
        ("-1.83", "-1.83"), ("45.2612345678901234567", "45.2612345678901"), ("123456789.123456", "123456789.123456"),
        ("0", "0"), ("0.30000000000000004", "0.3"),
    ],
)  # fmt: skip
def test_decimals_stay_as_they_are_written(value: str, written: str) -> None:
    assert json.dumps(json_number(Decimal(value))) == written


def test_a_step_below_is_an_observation_of_its_own() -> None:
    made = bundle(result_of_trace("chain"), NOW)
    (risk,), (egfr,) = resources_of_type(made, "RiskAssessment"), resources_of_type(made, "Observation")
    urls = {entry["resource"]["resourceType"]: entry["fullUrl"] for entry in made["entry"]}
    base = "http://127.0.0.1:8191/fhir/Observation"
    assert {each["reference"] for each in risk["basis"]} == {urls["Observation"], f"{base}/u1"}
    assert egfr["derivedFrom"] == [{"reference": f"{base}/obs-1"}]
    assert egfr["valueQuantity"]["value"] == 45.26
    assert (egfr["effectiveDateTime"], egfr["issued"]) == (t.DRAWN.isoformat(), NOW.isoformat())
    assert risk["occurrenceDateTime"] == t.AT.isoformat()
    assert "Rests on records from 2026-05-02 08:30 UTC to 2026-06-01 08:30 UTC." in note_texts(risk)
    of = {each["target"][0]["reference"]: each for each in resources_of_type(made, "Provenance")}
    for url, module, records in (
        (urls["Observation"], "egfr", {"obs-1"}),
        (urls["RiskAssessment"], "kidney-failure-risk-5y", {"obs-1", "u1"}),
    ):
        provenance = of[url]
        what = [entity["what"] for entity in provenance["entity"]]
        assert {f"{base}/{record}/_history/3" for record in records} <= {each.get("reference") for each in what}
        named = {each["identifier"]["system"]: each["identifier"]["value"] for each in what if "identifier" in each}
        assert named["https://medtwin.example/fingerprints"] == f"fp-{module}-20260602"
        assert named["https://medtwin.example/modules"] == f"https://medtwin.example/modules/{module}#module|1.0.0"
        assert provenance["recorded"] == NOW.isoformat()
        assert provenance["occurredDateTime"] == t.AT.isoformat()
    assert {"reference": urls["Observation"]} in [entity["what"] for entity in of[urls["RiskAssessment"]]["entity"]]


def test_without_a_clock_it_is_told_as_of_the_evaluation() -> None:
    for each in resources_of_type(bundle(result_of_trace("chain")), "Provenance"):
        assert each["recorded"] == t.AT.isoformat()


def test_a_record_without_a_version_is_named_as_it_is() -> None:
    given = t.creatinine()
    (resource,) = given.resources
    bare = replace(resource, source=RecordRef("ehr", "http://127.0.0.1:8191/fhir", "Observation", "obs-1"))
    trace = t.trace((t.egfr_run(given=replace(given, resources=(bare,))),), goals=(0,))
    made = bundle(explain(trace, t.interpret))
    said = [entity["what"].get("reference") for entity in resources_of_type(made, "Provenance")[0]["entity"]]
    assert "http://127.0.0.1:8191/fhir/Observation/obs-1" in said


def test_several_results_share_the_steps_below() -> None:
    trace = t.kfre_trace()
    below = GoalAnswer(Goal(t.EGFR, t.EGFR_MODULE.iri), 0, None)
    results = explain(replace(trace, answers=(*trace.answers, below)), t.interpret)
    made = bundle(results, NOW)
    assert rule_faults(made) == []
    assert [
        len(resources_of_type(made, kind)) for kind in ("RiskAssessment", "Observation", "Provenance", "Device")
    ] == [
        1,
        1,
        2,
        2,
    ]
    # Asked for itself, it is told with all that an answer has.
    assert "Intended use: For clinicians." in note_texts(resources_of_type(made, "Observation")[0])
    alone = bundle(results[1], NOW)["entry"][0]
    assert alone in made["entry"]


@pytest.mark.parametrize(("points", "beyond"), [(4, 0), (MOST_POINTS, 0), (MOST_POINTS + 3, 3)])
def test_of_a_long_series_the_newest_points_are_told_and_all_records_named(points: int, beyond: int) -> None:
    result = explain(t.slope_trace(points), t.interpret)[0]
    made = bundle(result, NOW)
    assert rule_faults(made) == []
    slope, *steps = resources_of_type(made, "Observation")
    assert len(steps) == points - beyond
    records = {f"http://127.0.0.1:8191/fhir/Observation/obs-{index}" for index in range(points)}
    said = {entity["what"].get("reference") for entity in resources_of_type(made, "Provenance")[0]["entity"]}
    assert {f"{record}/_history/3" for record in records} <= said
    # Those that are not told by themselves are stood for by their records.
    derived = {each["reference"] for each in slope["derivedFrom"]}
    assert {each for each in derived if each.startswith("http")} == {
        f"http://127.0.0.1:8191/fhir/Observation/obs-{index}" for index in range(beyond)
    }
    assert len(derived) == points
    assert ("are listed; the records of all" in note_texts(slope)) is (beyond > 0)


def test_limits_and_points_are_components_under_codes_of_ours() -> None:
    slope = bundle(explain(t.slope_trace(), t.interpret)[0])["entry"][0]["resource"]
    (limits,) = slope["component"]
    assert limits["code"]["coding"][0]["code"] == "interval"
    assert (limits["valueRange"]["low"]["value"], limits["valueRange"]["high"]["value"]) == (-2.9, -0.8)
    assert "Uncertainty: -2.9 to -0.8" in note_texts(slope)
    score = bundle(result_of_trace("score"))["entry"][0]["resource"]
    systems = {component["code"]["coding"][0]["system"] for component in score["component"]}
    assert systems == {"https://medtwin.example/points"}
    assert [component["valueQuantity"]["value"] for component in score["component"]] == [2, 2]
    lowest = bundle(result_of_trace("score-bounds"))["entry"][0]["resource"]
    assert lowest["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert "between 2 and 5" in note_texts(lowest)
    assert "bounds" in [component["code"]["coding"][0]["code"] for component in lowest["component"]]


@pytest.mark.parametrize(
    ("name", "reason", "status"),
    [
        ("insufficient", "unknown", "final"),
        ("not-applicable", "not-applicable", "final"),
        ("failed", "error", "cancelled"),
    ],
)
def test_what_has_no_value_says_why_and_is_no_risk(name: str, reason: str, status: str) -> None:
    made = bundle(result_of_trace(name))
    first = made["entry"][0]["resource"]
    assert resources_of_type(made, "RiskAssessment") == []
    assert first["dataAbsentReason"]["coding"][0]["code"] == reason
    assert (first["status"], "derivedFrom" in first) == (status, False)


def test_advice_is_no_part_of_it() -> None:
    result = result_of_trace("chain")
    assert result.recommendations
    assert "Refer." not in json.dumps(bundle(result))


def test_the_narrative_is_sound_whatever_is_told() -> None:
    result = replace(result_of_trace("complete"), text="eGFR < 60 & falling <b>")
    made = bundle(result)
    assert rule_faults(made) == []
    assert "&lt; 60 &amp; falling" in made["entry"][0]["resource"]["text"]["div"]


def test_a_bundle_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a result"):
        bundle(())


def test_a_value_that_is_absent_below_gives_no_ground() -> None:
    lacking = Absent(AbsentReason.INPUT_ABSENT)
    given = BoundInput(t.EGFR_SLOT, lacking, steps=(0,))
    bounds = Interval(Decimal(1), Decimal(9), "%", "with any eGFR")
    risk = t.run(t.KFRE_MODULE, (given, t.uacr(), t.region()), lacking, bounds=bounds)
    made = bundle(explain(t.trace((t.egfr_run(lacking, t.NO_CREATININE), risk), goals=(1,)), t.interpret)[0])
    first = made["entry"][0]["resource"]
    assert rule_faults(made) == []
    assert [each["reference"] for each in first["derivedFrom"]] == ["http://127.0.0.1:8191/fhir/Observation/u1"]
    assert first["component"][0]["valueRange"]["high"]["value"] == 9


def change(path: tuple[Any, ...], value: Any) -> Callable[[BundleJson], None]:
    def make(found: BundleJson) -> None:
        at: Any = found["entry"]
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value

    return make


FAULTS: list[tuple[Callable[[BundleJson], None], str]] = [
    (lambda found: found["entry"].append(found["entry"][0]), "bdl-7"),
    (change((0, "resource", "basis", 0, "reference"), "urn:uuid:nowhere"), "leads nowhere"),
    (change((0, "resource", "prediction", 0, "probabilityDecimal"), 910), "ras-2"),
    (change((0, "resource", "meta"), {"tag": [{"system": "urn:x", "code": "x"}]}), "no tag of ours"),
    (change((2, "resource", "recorded"), "2026-06-02"), "recorded"),
    (change((2, "resource", "entity", 0, "role"), "used"), "no role"),
    (change((3, "resource", "dataAbsentReason"), {"text": "none"}), "obs-6"),
    (change((3, "resource", "derivedFrom"), [{"reference": "http://x/Condition/1"}]), "derivedFrom may not be"),
    (change((3, "resource", "device", "reference"), "http://x/Patient/1"), "device is none"),
    (change((3, "resource", "note", 0, "text"), ""), "is empty"),
]


@pytest.mark.parametrize(("make", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_the_checker_finds_what_is_wrong(make: Callable[[BundleJson], None], fault: str) -> None:
    made = deepcopy(bundle(result_of_trace("chain"), NOW))
    assert rule_faults(made) == []
    make(made)
    try:
        found = rule_faults(made)
    except ValueError as error:  # the models of fhir.resources see some of it first
        found = [str(error)]
    assert any(fault in each or "String should match" in each or "type" in each for each in found)
