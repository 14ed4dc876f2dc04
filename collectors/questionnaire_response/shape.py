"""The parts of a QuestionnaireResponse that are read."""

import msgspec

from collectors.reading.wire import NONE, Coding, Meta, Quantity, Reference


class Answer(msgspec.Struct, gc=False):
    """One answer to an item, with the items that it opened; value types that are not read stay raw."""

    valueBoolean: bool | None = None  # noqa: N815  (FHIR's own names, here and below)
    valueDecimal: msgspec.Raw = NONE  # noqa: N815
    valueInteger: msgspec.Raw = NONE  # noqa: N815
    valueDate: msgspec.Raw = NONE  # noqa: N815
    valueDateTime: msgspec.Raw = NONE  # noqa: N815
    valueTime: msgspec.Raw = NONE  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueUri: msgspec.Raw = NONE  # noqa: N815
    valueAttachment: msgspec.Raw = NONE  # noqa: N815
    valueCoding: Coding | None = None  # noqa: N815
    valueQuantity: Quantity | None = None  # noqa: N815
    valueReference: msgspec.Raw = NONE  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815
    item: list["Item"] = []


class Item(msgspec.Struct, gc=False):
    """An item, with its answers and the items below it."""

    linkId: str | None = None  # noqa: N815
    answer: list[Answer] = []
    item: list["Item"] = []
    modifierExtension: msgspec.Raw = NONE  # noqa: N815


class Head(msgspec.Struct, gc=False):
    """What is tried where the whole cannot be decoded."""

    meta: Meta | None = None
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None


class QuestionnaireResponse(Head, gc=False):
    """A QuestionnaireResponse."""

    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = NONE  # noqa: N815
    item: list[Item] = []


RESPONSE = msgspec.json.Decoder(QuestionnaireResponse)
HEAD = msgspec.json.Decoder(Head)
