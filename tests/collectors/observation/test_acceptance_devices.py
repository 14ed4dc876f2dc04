"""What the records of devices mean for what they measured."""

from typing import Any

import pytest

from collectors.facts import SlotSelection
from collectors.gatherer import Gatherer
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, CREATININE, SOURCE, facts_of, observation, searches, slot
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)


def metric(*states: str, **changes: Any) -> dict[str, Any]:
    """A DeviceMetric, calibrated with these outcomes, a day apart."""
    calibrations = [{"state": state, "time": f"2024-01-0{day}T00:00:00Z"} for day, state in enumerate(states, 1)]
    return {"resourceType": "DeviceMetric", "id": "m", "calibration": calibrations, **changes}


def device(status: str) -> dict[str, Any]:
    return {"resourceType": "Device", "id": "d", "status": status}


def measured(by: str = "DeviceMetric/m", **changes: Any) -> dict[str, Any]:
    return observation(device={"reference": by}, **changes)


def used(*records: dict[str, Any]) -> SlotSelection:
    return facts_of(*records, concepts=(CREATININE,)).select(slot(), AT, AT)


TOLD: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "not calibrated": ([measured(), metric("not-calibrated")], "not calibrated"),
    "needs calibration": ([measured(), metric("calibration-required")], "in need of calibration"),
    "calibrated": ([measured(), metric("calibrated", operationalStatus="on")], None),
    "calibrated since": ([measured(), metric("not-calibrated", "calibrated")], None),
    "no longer calibrated": ([measured(), metric("calibrated", "not-calibrated")], "not calibrated"),
    "undated": ([measured(), metric(calibration=[{"state": "not-calibrated"}])], "not calibrated"),
    "off": ([measured(), metric(operationalStatus="off")], "switched off"),
    "standby": ([measured(), metric(operationalStatus="standby")], "on standby"),
    "device in use": ([measured("Device/d"), device("active")], None),
    "device out of use": ([measured("Device/d"), device("inactive")], "no longer in use"),
    "absolute": ([measured("http://ehr.test/fhir/Device/d"), device("inactive")], "no longer in use"),
    "elsewhere": ([measured("http://other.test/fhir/Device/d"), device("inactive")], None),
    "contained": ([measured("#m", contained=[metric("not-calibrated")])], "not calibrated"),
    "contained, not there": ([measured("#x", contained=[metric("not-calibrated")])], None),
    "not on record": ([measured()], None),
    "broken": ([measured(), metric(calibration=5)], None),
    "named in words only": ([observation(device={"display": "a wrist watch"})], None),
}


@pytest.mark.parametrize("name", TOLD)
def test_caution(name: str) -> None:
    records, words = TOLD[name]
    found = used(*records)
    assert not isinstance(found.value, Absent)
    told = [issue.text for issue in found.issues if issue.code == "device"]
    assert told == ([f"Measured by a device that is recorded as {words}."] if words else [])
    assert [note for each in found.resources for note in each.notes] == told


@pytest.mark.parametrize("record", [metric(operationalStatus="entered-in-error"), device("entered-in-error")])
def test_what_a_device_in_error_measured_is_refused(record: dict[str, Any]) -> None:
    found = used(measured(f"{record['resourceType']}/{record['id']}"), record)
    assert found.value == UNREADABLE
    assert "entered in error" in found.issues[0].text


def test_a_device_that_the_patient_wears_is_noted() -> None:
    worn = device("active") | {"patient": {"reference": "Patient/p"}, "type": {"text": "Wrist watch"}}
    found = used(measured("Device/d"), worn)
    assert not found.issues
    assert [each.notes for each in found.resources] == [("Measured by a device that the patient has on: Wrist watch.",)]


async def gathered(*records: dict[str, Any]) -> tuple[SlotSelection, MisbehavingServer]:
    server = MisbehavingServer(
        Observation=lambda _: bundle(*records), DeviceMetric=lambda _: bundle(metric("not-calibrated"))
    )
    async with client_of(server) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", searches(CREATININE), AT, 5)
    return facts.select(slot(), AT, AT), server


async def test_devices_are_fetched_by_id_in_one_request() -> None:
    found, server = await gathered(measured(), measured(id="o2"))
    assert [issue.code for issue in found.issues] == ["device"]
    assert [each.query_params["_id"] for each in server.of("DeviceMetric")] == ["m"]
    assert not server.of("Device")


@pytest.mark.parametrize(
    "record", [observation(), measured("#m"), measured("DeviceMetric/m", status="cancelled"), measured("Group/m")]
)
async def test_devices_are_not_fetched_where_no_fact_names_one(record: dict[str, Any]) -> None:
    _, server = await gathered(record)
    assert not server.of("DeviceMetric")
