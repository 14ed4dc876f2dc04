"""Traces made by hand: a creatinine, an eGFR over it, a risk over that, a score, and a series."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Contribution, Evaluation, Interval, Issue, Severity, SlotInput, Working
from ontology.resources import RecordRef, Resource, Span
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Coding, Quantity, Series, Value
from server.catalog.criteria import Advice, Outcome
from server.catalog.descriptions import Description, Kind, RiskDefinition
from server.compiler.plan import Goal, Plan, PlannedCall
from server.executor.fingerprint import Environment
from server.executor.trace import BoundInput, Circumstances, Execution, GoalAnswer, Trace

AT = datetime(2026, 6, 2, 12, tzinfo=UTC)
DRAWN = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
GFR_UNIT = "mL/min/{1.73_m2}"
MPM = "https://medtwin.example/mpm#"
CODES = "https://medtwin.example/codes"
UNDER = Circumstances(Environment(dict.fromkeys(Kind, "kind"), "ontology", "libraries"))


def concept(iri: str, id_: str, display: str, unit: str | None, origin: Origin = Origin.OBSERVATION) -> Concept:
    kind = ValueType.QUANTITY if unit else ValueType.FLAG
    codes = (Coding("http://loinc.org", "2160-0", "Creatinine"),) if id_ == "serum-creatinine" else ()
    return Concept(MPM + iri, id_, display, origin, kind, codes, unit=unit, units=(unit,) if unit else ())


CREATININE = concept("SerumCreatinine", "serum-creatinine", "Serum creatinine", "mg/dL")
UACR = concept("Uacr", "uacr", "UACR", "mg/g")
PULSE = concept("HeartRate", "heart-rate", "Heart rate", "/min")
SPO2 = concept("Spo2", "spo2", "SpO2", "%")
DIALYSIS = concept("Dialysis", "dialysis", "Dialysis", None, Origin.CONDITION)
REGION = concept("NorthAmerica", "north-america", "North America", None, Origin.SITE)
EGFR = concept("EstimatedGFR", "egfr", "Estimated GFR", GFR_UNIT, Origin.COMPUTED)
KFRE = concept("KidneyFailureRisk5y", "kidney-failure-risk-5y", "Kidney failure risk (5 years)", "%", Origin.COMPUTED)
SLOPE = concept("EgfrSlope", "egfr-slope", "eGFR slope", "mL/min/{1.73_m2}/a", Origin.COMPUTED)
NEWS2 = concept("News2", "news2", "National Early Warning Score 2", "{score}", Origin.COMPUTED)
CONCEPTS = {c.id: c for c in (CREATININE, UACR, PULSE, SPO2, DIALYSIS, REGION, EGFR, KFRE, SLOPE, NEWS2)}

CREATININE_SLOT = Slot("creatinine", CREATININE, Select.LATEST, True, unit="mg/dL", window=timedelta(days=90))
DIALYSIS_SLOT = Slot("dialysis", DIALYSIS, Select.ANY, False, applicability_only=True)
EGFR_SLOT = Slot("egfr", EGFR, Select.LATEST, True, unit=GFR_UNIT)
UACR_SLOT = Slot("uacr", UACR, Select.LATEST, True, unit="mg/g", window=timedelta(days=365))
REGION_SLOT = Slot("north_america", REGION, Select.LATEST, True)
SERIES_SLOT = Slot("egfr", EGFR, Select.SERIES, True, unit=GFR_UNIT)
PULSE_SLOT = Slot("pulse", PULSE, Select.LATEST, True, unit="/min", window=timedelta(hours=12))
SPO2_SLOT = Slot("spo2", SPO2, Select.LATEST, True, unit="%", window=timedelta(hours=12))


def module(concept_: Concept, kind: Kind, slots: tuple[Slot, ...], **more: Any) -> Description:
    return replace(
        Description(
            iri=f"https://medtwin.example/modules/{concept_.id}#module",
            id=concept_.id,
            kind=kind,
            version="1.0.0",
            title=f"{concept_.display} module",
            produces=concept_,
            unit=concept_.unit,
            slots=slots,
            digest="d",
            turtle="<#module> a <x> .",
            folder=Path("modules"),
            citations=("https://doi.org/10.1056/NEJMoa2102953",),
            intended_use="For clinicians.",
        ),
        **more,
    )


EGFR_MODULE = module(EGFR, Kind.EQUATION, (CREATININE_SLOT, DIALYSIS_SLOT), display_decimals=0)
KFRE_MODULE = module(
    KFRE,
    Kind.EQUATION,
    (EGFR_SLOT, UACR_SLOT, REGION_SLOT),
    display_decimals=1,
    risk=RiskDefinition("kidney failure", "P5Y"),
)
SLOPE_MODULE = module(SLOPE, Kind.EQUATION, (SERIES_SLOT,), display_decimals=1)
NEWS2_MODULE = module(NEWS2, Kind.SCORE, (PULSE_SLOT, SPO2_SLOT), display_decimals=0)
MODULES = {m.id: m for m in (EGFR_MODULE, KFRE_MODULE, SLOPE_MODULE, NEWS2_MODULE)}


def record(
    concept_: Concept, value: Value, when: datetime | None = DRAWN, id_: str = "obs-1", type_: str = "Observation"
) -> Resource:
    return Resource(
        iri=f"urn:fact:{id_}",
        concept=concept_.id,
        value=value,
        effective=None if when is None else Span(when, when),
        subject="Patient/p-17",
        source=RecordRef("ehr", "http://127.0.0.1:8191/fhir", type_, id_, "3"),
        status="final",
        issued=when,
        recorded="as written",
    )


def filled(slot: Slot, value: Value, *resources: Resource, **more: Any) -> BoundInput:
    return replace(BoundInput(slot, value, resources=resources), **more)


def run(
    description: Description,
    inputs: tuple[BoundInput, ...],
    value: Value,
    as_of: datetime = AT,
    issues: tuple[Issue, ...] = (),
    bounds: Interval | None = None,
    interval: Interval | None = None,
    working: Working | None = None,
) -> Execution:
    return Execution(
        description,
        as_of,
        {given.slot.name: given for given in inputs},
        Evaluation(value, working or Working(f"the {description.id} equation"), issues, bounds, interval),
        fingerprint=f"fp-{description.id}-{as_of:%Y%m%d}",
        reused=False,
        reason="first seen",
    )


def creatinine(value: str = "1.6", **more: Any) -> BoundInput:
    quantity = Quantity(Decimal(value), "mg/dL")
    return filled(CREATININE_SLOT, quantity, record(CREATININE, quantity), **more)


def no_dialysis() -> BoundInput:
    return filled(DIALYSIS_SLOT, False, record(DIALYSIS, False, None, "c1", "Condition"))


GFR = Quantity(Decimal("45.26"), GFR_UNIT)
RISK = Quantity(Decimal("9.12"), "%")


def egfr_run(value: Value = GFR, given: BoundInput | None = None) -> Execution:
    return run(EGFR_MODULE, (given or creatinine(), no_dialysis()), value)


NO_CREATININE = filled(CREATININE_SLOT, Absent(AbsentReason.NOT_FOUND))
LACKING = Absent(AbsentReason.INPUT_ABSENT)


def uacr(when: datetime = DRAWN - timedelta(days=30)) -> BoundInput:
    return filled(UACR_SLOT, Quantity(Decimal("300"), "mg/g"), record(UACR, Quantity(Decimal(300), "mg/g"), when, "u1"))


def region(value: Value = True) -> BoundInput:
    return filled(REGION_SLOT, value, assumed=True, by_site=True)


def kfre_trace(egfr: Execution | None = None, risk: Value = RISK) -> Trace:
    below = egfr or egfr_run()
    given = BoundInput(EGFR_SLOT, below.evaluation.value, steps=(0,))
    return trace((below, run(KFRE_MODULE, (given, uacr(), region()), risk)), goals=(1,))


def slope_trace(points: int = 4) -> Trace:
    runs = []
    for index in range(points):
        when = DRAWN - timedelta(days=200 * (points - 1 - index))
        value = Quantity(Decimal("1.6"), "mg/dL")
        given = filled(CREATININE_SLOT, value, record(CREATININE, value, when, f"obs-{index}"))
        runs.append(run(EGFR_MODULE, (given, no_dialysis()), Quantity(Decimal(50 - index), GFR_UNIT), as_of=when))
    series = Series(tuple((each.as_of, each.evaluation.value.value) for each in runs), GFR_UNIT)  # type: ignore[union-attr]
    resources = tuple(r for each in runs for r in each.inputs["creatinine"].resources)
    given = filled(SERIES_SLOT, series, *resources, steps=tuple(range(points)))
    interval = Interval(Decimal("-2.9"), Decimal("-0.8"), SLOPE.unit or "", "95 % confidence interval", Decimal("0.95"))
    slope = run(SLOPE_MODULE, (given,), Quantity(Decimal("-1.83"), SLOPE.unit or ""), interval=interval)
    return trace((*runs, slope), goals=(points,))


def news2_trace(missing: bool = False) -> Trace:
    pulse = filled(PULSE_SLOT, Quantity(Decimal(118), "/min"), record(PULSE, Quantity(Decimal(118), "/min"), id_="v1"))
    points = [Contribution("pulse", Decimal(2), "111 to 130")]
    if missing:
        spo2 = filled(SPO2_SLOT, Absent(AbsentReason.STALE))
        bounds = Interval(Decimal(2), Decimal(5), "{score}", "lowest and highest total")
        score = run(
            NEWS2_MODULE, (pulse, spo2), LACKING, bounds=bounds, working=Working("pulse 2", contributions=(*points,))
        )
    else:
        spo2 = filled(SPO2_SLOT, Quantity(Decimal(93), "%"), record(SPO2, Quantity(Decimal(93), "%"), id_="v2"))
        points.append(Contribution("spo2", Decimal(2), "92 to 93"))
        score = run(
            NEWS2_MODULE,
            (pulse, spo2),
            Quantity(Decimal(4), "{score}"),
            working=Working("sum", contributions=(*points,)),
        )
    return trace((score,), goals=(0,))


def trace(
    executions: tuple[Execution, ...],
    goals: tuple[int, ...] = (),
    leaves: tuple[BoundInput, ...] = (),
    issues: tuple[Issue, ...] = (),
) -> Trace:
    computed = [
        GoalAnswer(Goal(executions[g].description.produces, executions[g].description.iri), g, None) for g in goals
    ]
    read = [GoalAnswer(Goal(leaf.slot.concept, None, leaf.slot), None, leaf) for leaf in leaves]
    calls = {e.description.iri: PlannedCall(e.description, {}) for e in executions}
    plan = Plan(tuple(calls.values()), (), tuple(answered.goal for answered in (*computed, *read)))
    reference = "http://127.0.0.1:8191/fhir/Patient/p-17"
    answers = (*computed, *read)
    return Trace(plan, "p-17", reference, "ehr", AT, executions, answers, UNDER, issues, CONCEPTS)


HIGH = Outcome(
    None, Coding(CODES, "high", "High"), "high", citation="KDIGO 2024", advice=(Advice("Refer.", "KDIGO 2024", "1B"),)
)


def interpret(description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> Outcome | None:
    return HIGH if isinstance(evaluation.value, Quantity) and description.id != "egfr" else None


def warning(text: str, code: str = "caution", slot: str | None = None) -> Issue:
    return Issue(Severity.WARNING, code, text, slot)


EVERY_TRACE: Mapping[str, Callable[[], Trace]] = {
    "complete": lambda: trace((egfr_run(),), goals=(0,)),
    "chain": kfre_trace,
    "series": slope_trace,
    "score": news2_trace,
    "score-bounds": lambda: news2_trace(missing=True),
    "insufficient": lambda: kfre_trace(egfr_run(LACKING, NO_CREATININE), LACKING),
    "not-applicable": lambda: trace((egfr_run(Absent(AbsentReason.NOT_APPLICABLE)),), goals=(0,)),
    "failed": lambda: trace((egfr_run(Absent(AbsentReason.FAILED)),), goals=(0,)),
    "recorded": lambda: trace((), leaves=(creatinine(), NO_CREATININE)),
    "assumed": lambda: trace(
        (egfr_run(given=filled(CREATININE_SLOT, Quantity(Decimal(1), "mg/dL"), assumed=True)),), goals=(0,)
    ),
}
