"""Two charts of one browser, over real records of one EHR: nothing of patient B is ever in the chart of patient A.

The EHR of these tests gives any record to any token, so that what is refused is refused here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import QueryParams

from tests.support.launching_ehr import Browser, LaunchedSite, LaunchingEhr, launched_site
from tests.support.page_servers import AT, ChartServer
from tests.support.synthetic_answers import LONG_DEADLINE, synthetic_charts
from tests.support.token_issuer import Clock

A, B = "ckd-progressing", "healthy"


@dataclass
class Charts:
    """Of one browser: ``a`` and ``b`` are the addresses of the charts of patients A and B."""

    site: LaunchedSite
    ehr: LaunchingEhr
    browser: Browser
    a: str
    b: str

    def record(self, name: str) -> str:
        return f"{self.ehr.base}/{name}"


@pytest.fixture
async def charts(clock: Clock, ehr: LaunchingEhr) -> AsyncIterator[Charts]:
    fhir = ChartServer((*synthetic_charts()[A], *synthetic_charts()[B]))
    settings: dict[str, Any] = {
        "site": {"north-america": True},
        "pages": {"questions": ["egfr"]},
        "server": LONG_DEADLINE,
    }
    async with launched_site(clock, ehr.source(), fhir=fhir, **settings) as site:
        browser = site.browser()
        a = await site.open(browser, ehr, patient=A)
        yield Charts(site, ehr, browser, a, await site.open(browser, ehr, patient=B))


async def test_the_old_tab_goes_on_with_its_own_patient_after_a_launch_for_another(charts: Charts) -> None:
    for url, own, other in ((charts.a, A, B), (charts.b, B, A), (charts.a, A, B)):
        for path in ("", "/answer/egfr", "/export/egfr/turtle"):
            page = await charts.browser.get(f"{url}{path}?{QueryParams({'at': AT})}")
            assert page.status_code == 200, page.text
            assert own in page.text and other not in page.text, path


@pytest.mark.parametrize(
    "named",
    [{"patient": B}, {"subject": f"Patient/{B}"}, {"source": "lab"}, {"launch": "x"}, {"patient": "../" + B}],
    ids=lambda named: next(iter(named)),
)
async def test_nothing_in_a_query_names_another_patient(charts: Charts, named: dict[str, str]) -> None:
    for path in ("", "/answer/egfr", "/export/egfr/json-ld"):
        page = await charts.browser.get(f"{charts.a}{path}?{QueryParams({'at': AT, **named})}")
        assert page.status_code == 200 and A in page.text and B not in page.text


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (f"Observation/{A}-creatinine-13/_history/1", 200),
        (f"Observation/{B}-creatinine-1/_history/1", 403),
        (f"Observation/{B}-creatinine-1", 403),
        (f"Patient/{B}", 403),
        (f"Patient/{A}/../{B}", 400),
        (f"Patient/{A}/%2e%2e/{B}", 400),
        (f"Patient?_id={B}", 400),
    ],
)
@pytest.mark.parametrize("concept", ["", "&of=egfr"])
async def test_a_record_of_another_patient_is_not_shown_in_a_chart(
    charts: Charts, record: str, status: int, concept: str
) -> None:
    page = await charts.browser.get(
        f"{charts.a}/record?{QueryParams({'url': charts.record(record), 'at': AT})}{concept}"
    )
    assert page.status_code == status, page.text
    assert B not in page.text


@pytest.mark.parametrize(
    "path",
    ["", "/answer/egfr", "/record?url={record}", "/export/egfr/fhir", "/export/egfr/turtle", "/answer/%2e%2e"],
)
async def test_each_page_of_a_chart_asks_for_its_own_cookie(charts: Charts, path: str) -> None:
    stranger = charts.site.browser()
    own, other = charts.a.rsplit("/", 1)[1], charts.b.rsplit("/", 1)[1]
    values = {name.removeprefix("__Host-medtwin-chart-"): value for name, value in charts.browser.cookies.items()}
    planted = f"__Host-medtwin-chart-{own}={values[other]}"
    others_own = f"__Host-medtwin-chart-{other}={values[other]}"
    url = charts.a + path.format(record=charts.record(f"Patient/{A}"))
    for cookies, status in ((None, 401), (others_own, 401), (planted, 403), (f"{planted}; {others_own}", 403)):
        page = await stranger.get(url, cookies=cookies)
        assert page.status_code == status
        assert A not in page.text and B not in page.text


@pytest.mark.parametrize("path", ["/{b}", "/../{b}", "/%2e%2e/{b}", "//{b}", "/;{b}"])
async def test_a_path_below_one_chart_is_none_of_the_other(charts: Charts, path: str) -> None:
    other = charts.b.rsplit("/", 1)[1]
    name = f"__Host-medtwin-chart-{charts.a.rsplit('/', 1)[1]}"
    held = f"{name}={charts.browser.cookies[name]}"
    page = await charts.site.browser().get(charts.a + path.format(b=other), cookies=held)
    assert page.status_code in (307, 401, 404)
    assert A not in page.text and B not in page.text


async def test_after_a_logout_of_one_chart_the_other_is_as_it_was(charts: Charts) -> None:
    await charts.browser.post(f"{charts.a}/logout", Origin=charts.site.url)
    assert (await charts.browser.get(charts.a)).status_code == 401
    page = await charts.browser.get(f"{charts.b}?{QueryParams({'at': AT})}")
    assert page.status_code == 200 and B in page.text and A not in page.text
