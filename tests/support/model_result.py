"""A risk by a model for demonstration, as a trace made by hand: no file, no training."""

from dataclasses import replace
from decimal import Decimal

from ontology.evaluation import Contribution, Interval, Margin, Standing, Working
from ontology.values import Quantity
from server.catalog.trained_model import Explainer, ModelFile, TrainedModel
from server.executor.trace import BoundInput, Execution
from server.explain.explain import explain
from server.explain.results import AnswerResult
from tests.support import traces as t

MODEL_DESCRIPTION = TrainedModel(
    artefact=ModelFile("model.skops", "0" * 64),
    trusted=(),
    positive=1,
    explainer=Explainer.LINEAR,
    background="the people that it was fitted to",
    rows=None,
    features=(),
    calibration="slope 0.98",
    least=1,
    among=("egfr",),
)


def model_result(above: bool = False) -> AnswerResult:
    """A risk by a model for demonstration; ``above``: an equation that takes from it."""
    module = replace(t.KFRE_MODULE, model=MODEL_DESCRIPTION)
    working = Working(
        "a model",
        contributions=(
            Contribution("egfr", Decimal("0.7"), "eGFR 45"),
            Contribution("uacr", Decimal("-0.2"), "UACR 300"),
        ),
        margin=Margin("LOG_ODDS", Decimal("-2.8"), Decimal("-2.3"), Decimal(0), "usual people"),
        standing=Standing(1, 2, ("UACR 300 mg/g is above 99 % of the training data",), "slope 0.98", "demonstration"),
    )
    interval = Interval(Decimal("5.1"), Decimal("15.2"), "%", "90 % of fits", Decimal("0.9"))
    given = BoundInput(t.EGFR_SLOT, t.GFR, steps=(0,))
    risk = t.run(module, (given, t.uacr(), t.region()), t.RISK, interval=interval, working=working)
    runs: tuple[Execution, ...] = (t.egfr_run(), risk)
    if above:
        slot = replace(t.EGFR_SLOT, concept=t.KFRE, unit="%")
        runs = (*runs, t.run(t.SLOPE_MODULE, (BoundInput(slot, t.RISK, steps=(1,)),), Quantity(Decimal(1), "%")))
    return explain(t.trace(runs, goals=(len(runs) - 1,)), t.interpret)[0]
