"""A risk as a RiskAssessment.  In R4 ``probabilityDecimal`` is in percent: 9.1 for 9.1 %."""

import re
from decimal import ROUND_HALF_UP, Decimal

from ontology.resources import RecordRef
from server.explain.fhir.elements import Json, coding, concept_code, instant, number, quantity, reference
from server.explain.results import AnswerResult, Status

_MOST_DECIMALS = 2
_UCUM_OF = {"Y": ("a", "years"), "M": ("mo", "months"), "W": ("wk", "weeks"), "D": ("d", "days")}


def risk_assessment(result: AnswerResult, device: str, records: tuple[RecordRef, ...]) -> Json:
    """The RiskAssessment of a result that is a risk: outcome, probability in percent, and within what time."""
    risk = result.risk
    if risk is None:
        raise ValueError("the result is no risk")
    prediction: Json = {
        "outcome": {"text": risk.outcome},
        "probabilityDecimal": number(_percent(risk.probability * Decimal(100), result)),
    }
    match = re.fullmatch(r"P(\d+)([YMWD])", risk.horizon)
    if match is not None:
        code, name = _UCUM_OF[match[2]]
        low, high = (quantity(Decimal(count), code) for count in ("0", match[1]))
        prediction["whenRange"] = {"low": {**low, "unit": name}, "high": {**high, "unit": name}}
    if result.interpretation is not None:
        prediction["qualitativeRisk"] = {"coding": [coding(result.interpretation.code)]}
    made: Json = {
        "resourceType": "RiskAssessment",
        "status": "preliminary" if result.assumed or result.status is Status.PARTIAL else "final",
        "code": concept_code(result.concept),
        "subject": {"reference": result.reference},
        "occurrenceDateTime": instant(result.at),
        "performer": {"reference": device},
        "prediction": [prediction],
        "note": [{"text": text} for text in (result.text, *(issue.text for issue in result.issues))],
    }
    if records:
        made["basis"] = [reference(record) for record in records]
    if result.step is not None:
        made["method"] = {"text": f"{result.step.module.title}, version {result.step.module.version}"}
    return made


def _percent(percent: Decimal, result: AnswerResult) -> Decimal:
    """To one decimal more than the module shows, two at most: more would claim an exactness that no risk has.

    A risk that is neither none nor certain is not rounded to be so.
    """
    shown = None if result.step is None else result.step.module.display_decimals
    places = _MOST_DECIMALS if shown is None else min(shown + 1, _MOST_DECIMALS)
    rounded = percent.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return percent if rounded in (0, 100) else rounded
