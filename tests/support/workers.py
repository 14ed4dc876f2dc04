"""Which tests stay together where several processes share them (pytest-xdist, ``make test``).

A file is never divided, so that its fixtures start once.  Files that use the same costly fixture, or the same server
that all processes share, are one group: one process runs it, from the start.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadGroupScheduling

COSTLY_FIXTURES = frozenset({"answers", "shared_medplum", "synthetic"})
"""Fixtures that are used together: what starts one of them in a process may as well use all."""
PATIENTS = "patients"
CACHE = "cache"
SHARED_CACHE = "address"
"""The parameter of tests against the one cache server that is named from outside; some change its settings."""
LONGEST = "proof"
"""The directory of the slowest files: begun early, so that no process ends with a long one alone."""


def processes() -> int:
    """How many share the tests: one more than the cores that this process may use.

    Each often waits, for servers, browsers and the end of tokens' lives: on two cores, three took 70 % of the time of
    two for the files that do so most, and no more processor time.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return usable + 1


class FileScheduling(LoadGroupScheduling):  # type: ignore[misc]  # the package has no types
    """A unit of work is a group, and outside the groups a file."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


def file_groups(items: Iterable[pytest.Item]) -> dict[Path, str]:
    """The group of each file that is in one."""
    found: dict[Path, str] = {}
    for item in items:
        if not COSTLY_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            found[item.path] = PATIENTS
        elif any(isinstance(each, str) and each == SHARED_CACHE for each in _parameters(item)):
            found.setdefault(item.path, CACHE)
    return found


def _parameters(item: pytest.Item) -> tuple[object, ...]:
    called = getattr(item, "callspec", None)
    return tuple(called.params.values()) if called is not None else ()


def arrange(items: list[pytest.Item]) -> None:
    """Name the groups, and put what takes longest first."""
    groups = file_groups(items)
    for item in items:
        if item.path in groups:
            item.add_marker(pytest.mark.xdist_group(groups[item.path]))
    order = (PATIENTS, CACHE)
    items.sort(
        key=lambda item: (
            order.index(groups[item.path]) if item.path in groups else len(order) + (LONGEST not in item.path.parts)
        )
    )
