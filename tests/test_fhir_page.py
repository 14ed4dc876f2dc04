"""docs/fhir.md names the tags, systems and extensions that leave, and its command does what it says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.explain.explain import explain
from server.explain.fhir import bundle
from tests.support import traces as t
from tests.support.model_result import model_result

TOLD = (Path(__file__).parents[1] / "docs/fhir.md").read_text()


def made() -> str:
    found = [bundle(explain(make(), t.interpret)) for make in t.EVERY_TRACE.values()]
    return json.dumps([*found, bundle(model_result())])


def test_every_tag_is_documented() -> None:
    used = set(re.findall(r'"system": "https://medtwin.example/tags", "code": "([a-z-]+)"', made()))
    assert {"medtwin-result", "assumption", "demonstration", "do-not-store"} == used
    assert not [tag for tag in used if f"{tag}`" not in TOLD]


def test_every_system_and_extension_is_documented() -> None:
    text = made()
    extensions = set(re.findall(r'"https://medtwin.example/fhir/([a-z]+)"', text))
    assert {"interval", "contributions", "grounds"} <= extensions
    assert not [name for name in extensions if f"`{name}`" not in TOLD]
    systems = set(re.findall(r'"system": "(https://medtwin.example/[a-z]+)"', text))
    assert not [each for each in systems - {"https://medtwin.example/codes"} if each not in TOLD]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed; the command in docs/fhir.md needs it")
def test_the_command_leaves_out_what_must_not_be_stored(tmp_path: Path) -> None:
    command = re.search(r"jq '(.*?)' bundle.json", TOLD, re.DOTALL)
    assert command is not None
    # A sound eGFR under a risk that is a demonstration's.
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle(model_result())))
    done = subprocess.run(["jq", command[1], str(file)], capture_output=True, text=True, check=True)
    sent = json.loads(done.stdout)
    kinds = [entry["resource"]["resourceType"] for entry in sent["entry"]]
    assert (sent["type"], kinds.count("Observation"), kinds.count("RiskAssessment")) == ("transaction", 1, 0)
    assert "do-not-store" not in done.stdout
    assert {entry["request"]["method"] for entry in sent["entry"]} == {"POST"}
