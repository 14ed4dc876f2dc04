"""A risk as a RiskAssessment.  In R4 ``probabilityDecimal`` is in percent: 9.1 for 9.1 %."""

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from ontology.words import Style
from ontology.words.risks import AT_ONCE
from ontology.words.time import horizon_words, time_words
from server.explain.fhir.bundle_parts import Part
from server.explain.fhir.datatypes import Json, coding, instant, json_number, quantity, range_, references
from server.explain.fhir.shared_elements import common_elements
from server.explain.results import AnswerResult

_MOST_DECIMALS = 2
_UCUM_OF = {"Y": ("a", "years"), "M": ("mo", "months"), "W": ("wk", "weeks"), "D": ("d", "days")}


def risk_assessment(part: Part) -> Json:
    """The RiskAssessment of a part that is a risk: outcome, probability in percent, and within what time."""
    result = part.result
    risk = result.risk
    if risk is None:
        raise ValueError("the result is no risk")
    prediction: Json = {
        "outcome": {"text": risk.outcome},
        **_probability_elements(risk.probability * Decimal(100), result),
        **_horizon_elements(risk.horizon, part.as_of, result.circumstances.style),
    }
    if result.presumed:
        # A reader of the elements alone gets the limits; the number is in the words, with what it rests on.
        prediction["rationale"] = f"{result.text} {prediction['rationale']}"
    if result.interpretation is not None:
        meant = result.interpretation
        prediction["qualitativeRisk"] = {"coding": [coding(meant.code)], "text": meant.text}
    made: Json = {
        **common_elements(part),
        "occurrenceDateTime": instant(part.as_of),
        "performer": {"reference": part.device},
        "prediction": [prediction],
    }
    if basis := references(url for _, url in part.grounds):
        made["basis"] = basis
    return made


def _probability_elements(percent: Decimal, result: AnswerResult) -> Json:
    """The probability; of one that holds only if the lists are complete, the limits that hold in any case."""
    bounds = result.bounds
    if not result.presumed or bounds is None:
        return {"probabilityDecimal": json_number(_rounded_percent(percent, result))}
    low, high = (_rounded_percent(each, result) for each in (bounds.low, bounds.high))
    return {"probabilityRange": range_(low, high, bounds.unit)}


def _horizon_elements(horizon: str, as_of: datetime, style: Style) -> Json:
    """From now (0) to the end of the horizon.

    R4 leaves open whether such a range is an age; the unit and the text show that it is not.
    """
    if horizon == AT_ONCE:
        when = instant(as_of)
        return {
            "whenPeriod": {"start": when, "end": when},
            "rationale": f"At {time_words(as_of, style)}; not a future event.",
        }
    rationale = f"Within {horizon_words(horizon)} of {time_words(as_of, style)}; the range is not an age."
    match = re.fullmatch(r"P(\d+)([YMWD])", horizon)
    if match is None:
        return {"rationale": rationale}
    code, name = _UCUM_OF[match[2]]
    unit = {"unit": f"{name} from the assessment"}
    low, high = (quantity(Decimal(count), code) for count in ("0", match[1]))
    return {"whenRange": {"low": low | unit, "high": high | unit}, "rationale": rationale}


def _rounded_percent(percent: Decimal, result: AnswerResult) -> Decimal:
    """To one decimal more than the module shows, two at most: more would claim an exactness that no risk has.

    A risk that is neither none nor certain is not rounded to be so.
    """
    shown = None if result.step is None else result.step.module.display_decimals
    places = _MOST_DECIMALS if shown is None else min(shown + 1, _MOST_DECIMALS)
    rounded = percent.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return percent if rounded in (0, 100) else rounded
