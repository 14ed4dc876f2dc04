"""What the pages point at is there: every path of a repository file, and every link with its heading."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Not of the repository: hidden folders, what commands make, and what Python keeps.
MADE = {"var", "__pycache__", "node_modules", "benchmarks/report.md"}


def repository_files(folder: Path = ROOT) -> Iterator[str]:
    """Paths of all files from the root of the repository, in order."""
    for path in sorted(folder.iterdir()):
        name = path.relative_to(ROOT).as_posix()
        if path.name.startswith(".") or path.name in MADE or name in MADE:
            continue
        if path.is_dir():
            yield from repository_files(path)
        else:
            yield name


FILES = list(repository_files())
PAGES = [name for name in FILES if name.endswith(".md")]
TOP = {name.split("/")[0] for name in FILES}
EXTENSIONS = "py|md|ttl|toml|json|graphql|lock|in|txt|skops"
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

# Made by a command, described but not kept, or an example of what a reader makes.
NOT_KEPT = re.compile(
    r"(var/|benchmarks/report\.md|ontology/valuesets/|modules/\*/valuesets/|modules/(mean_arterial_pressure|crb_65|low_gfr)/"
    r"|collectors/medication_dispense/|sources/)"
)


def named_paths(text: str) -> Iterator[str]:
    """What stands in backticks, outside of examples, and looks like a path or like a Python file."""
    for quoted in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        path = quoted.split("::")[0]
        if not re.fullmatch(r"[\w.*/-]+", path):
            continue
        if path.endswith(".py") or (
            "/" in path and (path.split("/")[0] in TOP or re.search(rf"\.({EXTENSIONS})$", path))
        ):
            yield path


def exists(path: str, page: str = "README.md") -> bool:
    """Whether this file or folder (``*`` for any part of a name) is in the repository.

    It is looked for from the root and from the folder of the page; a name alone anywhere.
    """
    pattern = re.escape(path.rstrip("/")).replace(r"\*", "[^/]*")
    start = ".*/" if "/" not in path else "" if page.count("/") == 0 else f"({re.escape(page.rpartition('/')[0])}/)?"
    # A room may be named without the ending of its file, as an import names it.
    return any(re.match(rf"{start}{pattern}(\.py)?(/|$)", name) for name in FILES)


def links(text: str) -> Iterator[str]:
    """The targets of links that lead to no other site."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [path for path in named_paths(text) if not NOT_KEPT.match(path) and not exists(path, page)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in links(text):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def files_in_tables(page: str, folder: str) -> Iterator[str]:
    """Bare names of files in the tables of a page about one folder."""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            yield from (f"{folder}/{name}" for name in re.findall(rf"`([\w-]+\.(?:{EXTENSIONS}))`", line))


@pytest.mark.parametrize(
    ("page", "folder"), [("ontology/README.md", "ontology"), ("benchmarks/README.md", "benchmarks")]
)
def test_the_files_of_a_folder_that_its_page_names_exist(page: str, folder: str) -> None:
    named = list(files_in_tables(page, folder))
    assert named
    found = {name for name in FILES if name.startswith(f"{folder}/")}
    assert [name for name in named if not any(each.endswith(name.removeprefix(folder)) for each in found)] == []


def test_a_path_that_leads_nowhere_is_found() -> None:
    text = "in `server/no_such.py`, `a/b`, `cli/ask.py` and `ask.py`"
    assert list(named_paths(text)) == ["server/no_such.py", "cli/ask.py", "ask.py"]
    assert not exists("server/no_such.py")
    assert not exists("server/cl") and not exists("cli/ask.py") and exists("ask.py") and not exists("sk.py")
    assert exists("patients/README.md", "fixtures/README.md") and not exists("patients/README.md")
    assert exists("server/cli") and exists("server/cli/ask.py") and exists("tests/test_*_page.py")
    assert list(links("[a](b.md#c) and [d](https://example.org)")) == ["b.md#c"]
    assert anchors("# Two words\n## `code`, and more\n") == {"two-words", "code-and-more"}
