"""Writes a fitted model to its folder: files with their digests, and Turtle below a marker."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io
from numpy.typing import NDArray

from ontology.artefact import content_digest, file_digest
from training.candidates import Column
from training.measure import LEVEL, monotone

Floats = NDArray[np.float64]
MARK = "# ── Below this line all is written by train.py."
PROBABILITIES = (0.1, 1, 5, 50, 95, 99, 99.9)
ROWS = 40
_SEX = "http://hl7.org/fhir/administrative-gender"


def decimal(value: float, digits: int = 4) -> str:
    """A number as a Turtle decimal, without an exponent."""
    text = f"{value:.{digits}f}".rstrip("0")
    return "0" if text in ("-0.", "0.") else text.rstrip(".")


def write_background(folder: Path, columns: Sequence[Column], rows: Floats) -> str:
    """Writes made-up rows: each column has quantiles of its training values, shuffled.  Returns the file's digest."""
    rng = np.random.default_rng(20260103)
    made = np.full((ROWS, len(columns)), np.nan)
    for place in range(len(columns)):
        known = np.sort(rows[:, place][~np.isnan(rows[:, place])])
        count = round(ROWS * len(known) / len(rows))
        spots = ((np.arange(count) + 0.5) / max(count, 1) * len(known)).astype(int)
        made[:count, place] = known[spots]
        made[:, place] = rng.permutation(made[:, place])
    written = [[None if np.isnan(number) else float(number) for number in row] for row in made]
    origin = (
        "made up: in each column the quantiles of the training values, in an order of its own; no row is a person's"
    )
    data = {"columns": [column.name for column in columns], "rows": written, "origin": origin}
    (folder / "background.json").write_text(json.dumps(data) + "\n", encoding="utf-8")
    return file_digest(folder / "background.json")


def write_curves(folder: Path, columns: Sequence[Column], model: Any) -> None:
    """Writes the complete logistic model in plain numbers: log-odds at the knots of each curve, linear in between."""
    parts, weights = model[0], model[-1].coef_[0].tolist()
    curve = parts.named_transformers_["curves"]
    numbers = [column for column in columns if column.kind == "number"]
    data: dict[str, Any] = {"intercept": float(model[-1].intercept_[0]), "curves": {}, "weights": {}}
    medians = curve[0].statistics_.tolist()
    for place, (column, median) in enumerate(zip(numbers, medians, strict=True)):
        points = [*weights[4 * place : 4 * place + 4], 0.0]
        at = np.array(curve[1].knots)[:, place].tolist()
        data["curves"][column.name] = {"at": at, "log_odds": points, "if_not_measured": median}
    rest = weights[4 * len(numbers) :]
    others = [c for absent in ("mean", "zero") for c in columns if c.kind != "number" and c.absent == absent]
    for column, weight in zip(others, rest, strict=False):
        data["weights"][column.name] = weight
    gaps = [column for column in columns if column.indicator]
    data["not_measured"] = dict(zip([c.name for c in gaps], rest[len(others) :], strict=True))
    (folder / "curves.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def write_model(
    folder: Path,
    columns: Sequence[Column],
    rows: Floats,
    model: Any,
    table: Mapping[str, Any],
    words: Mapping[str, str],
    groups: Mapping[str, Sequence[str]],
    least: tuple[int, Sequence[str]],
    scaling: tuple[float, float] | None,
) -> str:
    """Writes the files of a fitted model, and its part of module.ttl; returns the digest of the model."""
    linear = hasattr(model[-1], "coef_")
    skops.io.dump(model, folder / "model.skops", compression=ZIP_DEFLATED, compresslevel=9)
    digest = content_digest(folder / "model.skops")
    (folder / "interval.json").write_text(json.dumps(table) + "\n", encoding="utf-8")
    trusted = skops.io.get_untrusted_types(file=folder / "model.skops")
    background = f'rdfs:label "{words["background"]}"'
    if linear:
        made = write_background(folder, columns, rows)
        background += f' ; mpm:file "background.json" ; mpm:sha256 "{made}"'
        write_curves(folder, columns, model)
    lines = ["<#module> mpm:model [", f'  mpm:artefact [ mpm:file "model.skops" ; mpm:sha256 "{digest}" ] ;']
    lines += [f'  mpm:trustedType "{name}" ;' for name in trusted]
    lines += [f'  mpm:positiveClass 1 ; mpm:explainer "{"linear" if linear else "tree-path-dependent"}" ;']
    lines += [f"  mpm:background [ {background} ] ;", "  mpm:features ("]
    lines += [_feature(column, rows[:, place]) for place, column in enumerate(columns)]
    by = f" ; mpm:slope {decimal(scaling[1])} ; mpm:intercept {decimal(scaling[0])}" if scaling else ""
    lines += [f'  ) ;\n  mpm:calibration [ rdfs:label "{words["calibration"]}"{by} ] ;']
    lines += [f'  mpm:uncertainty [ mpm:method "table" ; mpm:level 0.9 ; rdfs:label "{words["uncertainty"]}" ;']
    lines += [f'    mpm:file "interval.json" ; mpm:sha256 "{file_digest(folder / "interval.json")}" ] ;']
    lines += [f'  mpm:correlated [ rdfs:label "{name}" ; mpm:slots ( {_names(of)} ) ] ;' for name, of in groups.items()]
    lines += [f"  mpm:leastMeasured [ mpm:count {least[0]} ; mpm:slots ( {_names(least[1])} ) ] ] ."]
    below(folder / "module.ttl", lines)
    return digest


def pool_interval_table(folder: Path) -> None:
    """Pools the ends of a shipped interval table (``training.measure.monotone``), and writes its new digest.

    It needs no training data, and changes neither the model nor a table that never falls.  This is how the tables
    of models that were fitted before ``shares`` pooled them were written again.
    """
    path, description = folder / "interval.json", folder / "module.ttl"
    before, table = file_digest(path), json.loads(path.read_text(encoding="utf-8"))
    pooled = {**table, "low": monotone(table["low"]), "high": monotone(table["high"])}
    path.write_text(json.dumps(pooled) + "\n", encoding="utf-8")
    text = description.read_text(encoding="utf-8")
    description.write_text(text.replace(before, file_digest(path)), encoding="utf-8")


def write_metrics(folder: Path, found: Sequence[Mapping[str, Any]], method: str) -> None:
    """Writes the metrics of the card, below the marker of card.ttl."""
    lines = []
    for each in found:
        value, low, high = each["value"]
        extra = "".join(
            f' mpm:{term} "{each[name]}" ;'
            for term, name in (("subgroup", "group"), ("ofCandidate", "candidate"))
            if each.get(name)
        )
        extra += f" mpm:threshold {decimal(each['threshold'])} ;" if "threshold" in each else ""
        lines.append(
            f'<#card> mpm:metric [ mpm:measure "{each["measure"]}" ;{extra} mpm:value {decimal(value)} ; '
            f"mpm:low {decimal(low)} ; mpm:high {decimal(high)} ; mpm:level {LEVEL} ; mpm:number {each['number']} ; "
            f'mpm:events {each["events"]} ; mpm:method "{method}" ] .'
        )
    below(folder / "card.ttl", lines)


def below(path: Path, lines: Sequence[str]) -> None:
    """Replaces everything below the marker."""
    above = path.read_text(encoding="utf-8").partition(MARK)[0]
    path.write_text(f"{above}{MARK}\n" + "\n".join(lines) + "\n", encoding="utf-8")


def _names(slots: Sequence[str]) -> str:
    return " ".join(f'"{slot}"' for slot in slots)


def _feature(column: Column, values: Floats) -> str:
    share = decimal(float(np.isnan(values).mean()))
    start = f'    [ mpm:name "{column.name}" ; mpm:fromSlot "{column.slot or column.name}" ; mpm:shareMissing {share}'
    if column.kind == "number":
        marks = " ".join(decimal(float(np.nanpercentile(values, p)), 3) for p in PROBABILITIES)
        last = "" if column.recorded_to is None else f" ; mpm:recordedTo {decimal(column.recorded_to)}"
        return f"{start} ; mpm:quantiles ( {marks} ){last} ]"
    if column.kind == "flag":
        return f"{start} ]"
    codes = " , ".join(
        f'[ mpm:means [ mpm:system "{_SEX}" ; mpm:code "{code}" ] ; mpm:value {number} ]'
        for code, number in (("male", 1), ("female", 0))
    )
    return f"{start} ; mpm:encodes {codes} ]"
