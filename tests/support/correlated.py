"""Modules that say of themselves which of their inputs are correlated, as trained models do."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ontology.slots import Slot
from server.catalog.descriptions import Description
from server.catalog.trained_model import CorrelatedSlots, Explainer, Feature, ModelFile, TrainedModel
from tests.support.descriptions import make_concept, make_slot
from tests.support.hierarchies import equation

ONE = Decimal(1)


def leaf(name: str, **more: object) -> Slot:
    return replace(make_slot(name, concept=make_concept(name)), **more)


def model(
    slots: Sequence[Slot], *groups: tuple[str, ...], features: Sequence[Feature] = (), **weights: Decimal
) -> Description:
    """An equation with the description of a model: which inputs are correlated is all that is read of it here."""
    given = weights or {slot.name: ONE for slot in slots}
    described = TrainedModel(
        artefact=ModelFile("model.skops", "0" * 64),
        trusted=(),
        positive=1,
        explainer=Explainer.LINEAR,
        background="nobody",
        rows=None,
        features=tuple(features),
        calibration="none",
        least=0,
        among=(),
        correlated=tuple(CorrelatedSlots("-".join(group), group) for group in groups),
    )
    return replace(equation("model", slots, given), model=described)
