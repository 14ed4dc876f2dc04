"""`Patient.banner`: read when asked for, each time anew, and for a caller's own patient alone."""

from __future__ import annotations

from tests.support.page_servers import ChartServer, serving_chart
from tests.support.synthetic_answers import synthetic_charts

QUERY = """{ patient(id: "ckd-progressing") { banner {
  name born { start end } deceased deceasedAt gender identifiers { system value label } } } }"""


async def test_a_banner_is_read_each_time_and_only_when_asked_for() -> None:
    fhir = ChartServer(synthetic_charts()["ckd-progressing"])
    async with serving_chart((), fhir) as client:

        def reads() -> int:
            return sum(each.url.path.endswith("/Patient/ckd-progressing") for each in fhir.requests)

        await client.post("/graphql", json={"query": '{ patient(id: "ckd-progressing") { reference } }'})
        assert reads() == 0
        for count in (1, 2):
            answer = (await client.post("/graphql", json={"query": QUERY})).json()
            assert reads() == count
    assert answer["data"]["patient"]["banner"] == {
        "name": "Ada Example",
        "born": {"start": "1962-03-14", "end": "1962-03-14"},
        "deceased": None,
        "deceasedAt": None,
        "gender": "female",
        "identifiers": [],
    }


async def test_a_patient_who_is_not_there_is_null_with_an_error() -> None:
    fhir = ChartServer(synthetic_charts()["ckd-progressing"], gone=["Patient/ckd-progressing"])
    async with serving_chart((), fhir) as client:
        answer = (await client.post("/graphql", json={"query": QUERY})).json()
    assert answer["data"]["patient"]["banner"] is None and len(answer["errors"]) == 1
