"""The lock files: of one resolution, whole, and naming no place to fetch from."""

from __future__ import annotations

import re
import tomllib

import pytest

from fixtures.child import ROOT

LOCKS = ("requirements.lock", "requirements-run.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)((?: ; [^\\\n]+)?) \\$", re.MULTILINE)


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(lock: str) -> set[tuple[str, str, str]]:
    """Name, version and environment marker; a package may have one version for each of two Pythons."""
    return set(PIN.findall(text_of(lock)))


def names(lock: str) -> set[str]:
    return {name for name, _, _ in pins(lock)}


def direct(requirements: list[str]) -> set[str]:
    found = [re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements]
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN = direct(PROJECT["project"]["dependencies"])
GROUPS = {name: direct(packages) for name, packages in PROJECT["dependency-groups"].items()}


def test_every_direct_dependency_is_locked() -> None:
    assert RUN - names("requirements-run.lock") == set()
    for group in GROUPS.values():
        assert group - names("requirements.lock") == set()


def test_the_run_time_lock_is_a_part_of_the_whole() -> None:
    whole, run = pins("requirements.lock"), pins("requirements-run.lock")
    assert run < whole


def test_a_deployment_has_no_tools_of_ours() -> None:
    tools = set.union(*GROUPS.values()) - RUN
    assert names("requirements-run.lock") & tools == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    body = [line for line in text_of(lock).splitlines() if not line.startswith("#")]
    heads = [line for line in body if not line.startswith("    ")]
    assert len(heads) == len(pins(lock)) > 20
    for head in heads:
        assert re.match(r"    --hash=sha256:[0-9a-f]{64}", body[body.index(head) + 1]), head


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(
    "banned", [r"://", r"(?m)^\s*-", r"--index", r"--find-links", r"--extra", r"\.(org|com|io)\b", r" @ "]
)
def test_a_lock_names_no_place(lock: str, banned: str) -> None:
    without_hashes = re.sub(r"(?m)^    --hash=\S+( \\)?$", "", text_of(lock))
    assert re.search(banned, without_hashes) is None


@pytest.mark.parametrize("lock", LOCKS)
def test_the_header_says_how_it_was_made(lock: str) -> None:
    header = [line for line in text_of(lock).splitlines() if line.startswith("#")]
    assert header[-1].strip("# ") == "make lock"
