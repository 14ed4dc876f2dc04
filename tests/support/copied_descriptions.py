"""A copy of the shipped descriptions, to be changed: all of them, or the modules that a test is about."""

import shutil
from pathlib import Path

from server.catalog.catalog import ROOT

KIDNEY = ("age", "aki_stage", "ckd_chronicity", "egfr")
"""What eGFR is computed from, and itself."""
_CODE = shutil.ignore_patterns("__pycache__")


def copied(root: Path, *modules: str) -> Path:
    """Ontology, collectors and modules under ``root``; ``modules``: these alone, which load faster."""
    for room in ("ontology", "collectors", *(() if modules else ("modules",))):
        shutil.copytree(ROOT / room, root / room, ignore=_CODE)
    for name in modules:
        shutil.copytree(ROOT / "modules" / name, root / "modules" / name, ignore=_CODE)
    return root
