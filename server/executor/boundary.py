"""The execution boundary: a module that raises makes its own result FAILED, and nothing else.

One of the two places where every exception is caught.  What it said may hold a patient's values: only its type and
the module are logged, and nothing of it reaches the answer.
"""

import logging
from collections.abc import Mapping
from datetime import datetime

from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason
from server import kinds
from server.catalog.descriptions import Description

log = logging.getLogger(__name__)


def evaluate_safely(description: Description, inputs: Mapping[str, Consumed], at: datetime | None) -> Evaluation:
    """Evaluate; on any exception an evaluation with ``Absent(FAILED)`` that says which module failed."""
    try:
        return kinds.evaluate(description, inputs, at)
    except Exception as error:  # noqa: BLE001 - the execution boundary
        log.error("module %s %s raised %s", description.id, description.version, type(error).__name__)
        text = f"The module {description.id} {description.version} failed; its result is not known."
        return Evaluation(Absent(AbsentReason.FAILED), Working(text), (Issue(Severity.ERROR, "failed", text),))


def has_failed(evaluation: Evaluation) -> bool:
    """Whether the module failed: such an evaluation is never cached."""
    return isinstance(evaluation.value, Absent) and evaluation.value.reason is AbsentReason.FAILED
