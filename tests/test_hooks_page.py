"""The examples of docs/hooks.md are taken, and its table of statuses has every refusal."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.hooks.client_tokens import ALGORITHMS, LONGEST_JTI, LONGEST_LIFE
from server.hooks.errors import HookError
from server.hooks.request import MOST_DEPTH, read_request
from server.settings import load_settings
from tests.support.hook_calls import Answers, make_body, make_service, serving_hooks
from tests.support.token_issuer import Clock, TokenIssuer

PAGE = (Path(__file__).parents[1] / "docs/hooks.md").read_text(encoding="utf-8")
TEXTS = [path.read_text(encoding="utf-8") for path in (Path(__file__).parents[1] / "server/hooks").glob("*.py")]


def block(language: str) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found[0]


async def test_the_settings_and_the_token_let_a_call_in(tmp_path: Path) -> None:
    claims = json.loads(block("json"))
    async with TokenIssuer.listening() as issuer:
        text = block("toml").replace("https://ehr.example/jwks.json", f"{issuer.url}/jwks")
        text = re.sub(r"\[cache\]\n.*\n.*\n", "[cache]\nenabled = false\n", text)
        path = tmp_path / "medtwin.toml"
        path.write_text(text, encoding="utf-8")
        settings = load_settings(path, {})
        service = make_service(name=claims["aud"].rpartition("/")[2])
        token = issuer.token(claims, typ="JWT")
        async with serving_hooks(settings, Answers(service), Clock()) as client:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            answer = await client.post(f"/cds-services/{service.id}", content=make_body(), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_the_settings_of_the_cache_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "medtwin.toml"
    path.write_text(block("toml"), encoding="utf-8")
    settings = load_settings(path, {})
    assert settings.cache.url is not None
    assert settings.hooks.clients[0].sources == ("ehr",)


def test_the_call_is_one() -> None:
    command = shlex.split(block("sh"))
    assert command[2].endswith("/cds-services/deterioration")
    read = read_request(command[command.index("-d") + 1].encode(), make_service())
    assert read.patient == "sepsis-ward"


def refusals(kind: type[HookError]) -> Iterator[type[HookError]]:
    for each in kind.__subclasses__():
        yield each
        yield from refusals(each)


def test_every_status_and_issue_code_is_told() -> None:
    rows = PAGE.split("## Statuses")[1]
    told = [
        (status, code)
        for statuses, codes in re.findall(r"^\| ([\d, ]+) \|([^|]*)\|", rows, re.MULTILINE)
        for status in statuses.split(", ")
        for code in re.findall(r"`([a-z-]+)`", codes) or [""]
    ]
    assert len(told) == len(set(told))
    raised = {(str(each.status), "" if each.status == 401 else each.code) for each in refusals(HookError)}
    answered = {pair for text in TEXTS for pair in re.findall(r'outcome_response\((\d+), "([a-z-]+)"', text)}
    assert answered >= {("412", "incomplete"), ("503", "too-costly")}
    # What a busy server and a malformed body are told depends on the case.
    varying = {("400", "structure"), ("400", "required"), ("400", "value"), ("429", "throttled"), ("503", "transient")}
    fixed = {pair for pair in raised | answered if pair != ("400", "exception")}
    assert fixed | varying | {("200", ""), ("400", "security"), ("403", "security")} == set(told)


@pytest.mark.parametrize("number", [int(LONGEST_LIFE), LONGEST_JTI, MOST_DEPTH])
def test_the_limits_that_it_names_are_those(number: int) -> None:
    assert re.search(rf"\b{number}\b", PAGE)
    assert all(f"`{name}`" in PAGE for name in ALGORITHMS)
