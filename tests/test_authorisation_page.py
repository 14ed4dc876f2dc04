"""The example of docs/authorisation.md works from end to end, and its tables name what there is."""

import json
import re
import shlex
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.settings import load_settings
from server.settings.callers import IssuerSettings
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import FakeFhir
from tests.support.token_issuer import TokenIssuer, serving_callers

PAGE = (Path(__file__).parents[1] / "docs/authorisation.md").read_text(encoding="utf-8")
WHO_MAY_ASK = PAGE.split("## Who may ask")[1].split("## How a source is asked")[0]
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
RECORDS = (patient(), creatinine(1.6, YESTERDAY))


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", WHO_MAY_ASK, re.DOTALL)
    return found[number]


async def test_the_example_works(tmp_path: Path) -> None:
    path = tmp_path / "medtwin.toml"
    command = shlex.split(block("sh"))
    body = json.loads(command[command.index("-d") + 1])
    assert command[1] == json.loads(block("json"))["aud"] == tomllib.loads(block("toml"))["issuers"][0]["audience"][0]
    async with TokenIssuer.listening() as issuer:
        text = block("toml").replace("https://auth.example", issuer.url)
        path.write_text(f"{text}\n[cache]\nenabled = false\n", encoding="utf-8")
        claims = {**json.loads(block("json")), "iss": issuer.url}
        async with serving_callers(load_settings(path, {}), FakeFhir(RECORDS)) as client:
            refused = await client.post("/graphql", json=body, headers={"Host": "cds.example"})
            headers = {"Host": "cds.example", "Authorization": f"Bearer {issuer.token(claims)}"}
            answered = await client.post("/graphql", json=body, headers=headers)
    assert refused.json()["errors"][0]["extensions"]["code"] == "token-required"
    (result,) = answered.json()["data"]["patient"]["results"]
    assert result["text"].startswith("Estimated GFR is ")


def test_the_settings_for_opaque_tokens_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "medtwin.toml"
    server, sources = (
        block("toml").split("[[sources]]")[0],
        block("toml").split("[[sources]]")[1].split("[[issuers]]")[0],
    )
    path.write_text(f"{server}[[sources]]{sources}{block('toml', 1)}", encoding="utf-8")
    (issuer,) = load_settings(path, {}).issuers
    assert issuer.introspection is not None
    assert issuer.introspection.client_id == "medtwin"


def test_every_way_of_refusing_is_named() -> None:
    folders = [Path(__file__).parents[1] / "server" / room for room in ("access", "app")]
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py")]
    raised = {code for text in sources for code in re.findall(r'(?:AccessRefusedError|_refusal)\(\s*"([a-z-]+)"', text)}
    edge = {"unknown-host", "bad-request", "origin-not-allowed"}
    assert raised == {"token-required", "invalid-token", "issuer-unreachable", *edge}
    rows = WHO_MAY_ASK.split("### Refusals")[1].split("###")[0]
    assert raised == set(re.findall(r"^\| \d+ \| `([a-z-]+)`", rows, re.MULTILINE))


@pytest.mark.parametrize("name", sorted({"algorithms", "audience", "sources", "any_patient"}))
def test_the_settings_that_it_explains_exist(name: str) -> None:
    assert name in IssuerSettings.model_fields
    assert f"issuers.{name}" in PAGE or f"{name} = " in PAGE
