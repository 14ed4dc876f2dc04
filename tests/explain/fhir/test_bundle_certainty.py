"""How sure a result in a Bundle is: preliminary records, assumptions, models of trial, and what moved it."""

from dataclasses import replace
from decimal import Decimal

from ontology.values import Quantity
from server.attribution.result import Attribution, AttributionItem
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.explain import explain
from server.explain.fhir import bundle
from tests.support import traces as t
from tests.support.fhir_bundles import NOW, note_texts, resources_of_type, result_of_trace, rule_faults
from tests.support.model_result import model_result


def test_what_rests_on_a_preliminary_record_is_preliminary() -> None:
    given = t.creatinine()
    (resource,) = given.resources
    early = replace(given, resources=(replace(resource, status="preliminary"),))
    made = bundle(explain(t.kfre_trace(t.egfr_run(given=early)), t.interpret)[0])
    assert {
        each["status"] for each in (*resources_of_type(made, "Observation"), *resources_of_type(made, "RiskAssessment"))
    } == {"preliminary"}
    assert "do-not-store" not in str(made)
    assert bundle(result_of_trace("chain"))["entry"][0]["resource"]["status"] == "final"


def test_what_is_used_from_an_assumed_step_is_tagged_all_the_way_up() -> None:
    assumed = t.filled(t.CREATININE_SLOT, Quantity(Decimal(1), "mg/dL"), assumed=True)
    made = bundle(explain(t.kfre_trace(t.egfr_run(given=assumed)), t.interpret)[0])
    for entry in made["entry"]:
        if entry["resource"]["resourceType"] != "Device":
            assert {"assumption", "do-not-store"} <= {tag["code"] for tag in entry["resource"]["meta"]["tag"]}
    # What is set for the site is a fact of the site.
    assert "do-not-store" not in str(bundle(result_of_trace("chain")))


def test_a_model_says_what_it_is_how_sure_and_what_moved_it() -> None:
    made = bundle(model_result(), NOW)
    assert rule_faults(made) == []
    (risk,), (egfr,) = resources_of_type(made, "RiskAssessment"), resources_of_type(made, "Observation")
    assert {"demonstration", "do-not-store"} <= {tag["code"] for tag in risk["meta"]["tag"]}
    assert (risk["status"], egfr["status"]) == ("preliminary", "final")
    for text in (
        "Not to be written into a record: demonstration model",
        "Uncertainty: 5.1 to 15.2 % (90 % of fits).",
        "1 of 2 inputs known; UACR 300 mg/g is above 99 % of the training data; calibration: slope 0.98.",
        "Moved the estimate, compared with usual people, most first: up: eGFR 45; down: UACR 300.",
    ):
        assert text in note_texts(risk)
    assert "log-odds" not in note_texts(risk).casefold()
    found = {each["url"].rsplit("/", 1)[-1]: each for each in risk["extension"]}
    limits = {each["url"]: each for each in found["interval"]["extension"]}
    assert (limits["range"]["valueRange"]["low"]["value"], limits["level"]["valueDecimal"]) == (5.1, 0.9)
    items = [each for each in found["contributions"]["extension"] if each["url"] == "item"]
    assert [each["extension"][1]["valueDecimal"] for each in items] == [0.7, -0.2]
    device = next(each for each in resources_of_type(made, "Device") if each["version"] and len(each["deviceName"]) > 1)
    assert "not for clinical use" in "".join(
        note["text"] for each in resources_of_type(made, "Device") for note in each["note"]
    )
    assert device["identifier"][1]["value"].endswith("|1.0.0")


def test_what_takes_from_a_model_of_trial_is_no_surer_than_that() -> None:
    made = bundle(model_result(above=True))
    first = made["entry"][0]["resource"]
    assert rule_faults(made) == []
    assert first["status"] == "preliminary"
    assert "it rests on a demonstration model, not for clinical use" in note_texts(first)
    # R4 lets no Observation be derived from a RiskAssessment; the Provenance says it.
    assert "derivedFrom" not in first
    urls = {entry["fullUrl"] for entry in made["entry"] if entry["resource"]["resourceType"] == "RiskAssessment"}
    assert urls <= {entity["what"].get("reference") for entity in resources_of_type(made, "Provenance")[0]["entity"]}


def test_attributions_that_were_asked_for_are_told_in_words_and_numbers() -> None:
    item = AttributionItem(
        concept=t.CREATININE, slot="creatinine", before=Quantity(Decimal("1.1"), "mg/dL"),
        after=Quantity(Decimal("1.6"), "mg/dL"), amount=-19.25, alone=True, needed=True,
    )  # fmt: skip
    attribution = Attribution("VALUE", 64.51, 45.26, t.GFR, t.GFR, (item,), ())
    view = AttributionView(attribution, "the record as of March", "eGFR is now 45, it was 65.")
    result = replace(result_of_trace("complete"), attributions={Comparison(Baseline.EARLIER, t.DRAWN): view})
    made = bundle(result)
    first = made["entry"][0]["resource"]
    assert rule_faults(made) == []
    assert "Compared with the record as of March: eGFR is now 45, it was 65." in note_texts(first)
    (moved,) = [each for each in first["extension"] if each["url"].endswith("/attribution")]
    (one,) = [each for each in moved["extension"] if each["url"] == "item"]
    said = [value for each in one["extension"] for name, value in each.items() if name != "url"]
    assert said == ["serum-creatinine", -19.25, "1.1 mg/dL", "1.6 mg/dL"]
    assert "extension" not in bundle(result_of_trace("complete"))["entry"][0]["resource"]
