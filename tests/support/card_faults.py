"""What no card of CDS Hooks may have, and what each must have, whatever it is about."""

import uuid
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

ELEMENTS = {
    "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links",
}  # fmt: skip


def card_faults(card: Json, drafts: bool) -> list[str]:
    """What a card has that no card may have, and what it lacks (CDS Hooks 2.0, card attributes)."""
    found = [f"unknown: {name}" for name in card.keys() - ELEMENTS]
    found += [f"missing: {name}" for name in ("uuid", "summary", "detail", "indicator", "source") if not card.get(name)]
    found += [f"empty: {path}" for path in empty(card, "card")]
    if not 0 < len(card["summary"]) < 140 or "\n" in card["summary"]:
        found.append("summary")
    if card["indicator"] not in ("info", "warning", "critical"):
        found.append("indicator")
    if not card["source"].get("label"):
        found.append("source")
    if str(uuid.UUID(card["uuid"])) != card["uuid"]:
        found.append("uuid")
    is_missing = "not assessed" in card["summary"] or "could not be computed" in card["detail"]
    if "**Grounds**" not in card["detail"] and not (is_missing and card["indicator"] == "info"):
        found.append("no grounds")
    if ("suggestions" in card) != ("selectionBehavior" in card) or ("suggestions" in card and not drafts):
        found.append("selectionBehavior")
    for suggestion in card.get("suggestions", ()):
        if not suggestion.get("label") or not suggestion.get("actions") or not uuid.UUID(suggestion["uuid"]):
            found.append("suggestion")
        for action in suggestion.get("actions", ()):
            if action["type"] != "delete" or not action["description"] or not action["resourceId"]:
                found.append("action")
    found += [
        "override reason" for each in card.get("overrideReasons", ()) if set(each) != {"code", "system", "display"}
    ]
    found += ["link" for each in card.get("links", ()) if not {"label", "url", "type"} <= set(each)]
    if "actionSelectionBehavior" in str(card):
        found.append("actionSelectionBehavior")
    return found


def empty(value: Any, path: str) -> Iterator[str]:
    """The places at which something is null or empty."""
    if value in (None, "", [], {}):
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in parts:
        yield from empty(each, f"{path}.{name}")
