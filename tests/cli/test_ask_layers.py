"""``ask`` in layers: six lines an answer, ``-v`` each step once, ``-vv`` everything; what is never folded away."""

import re
from pathlib import Path

import pytest

from fixtures.make_patients import PATIENTS
from server.cli.main import main
from server.explain.layout import columns
from tests.support.charts import Record, bundle_arguments, condition, creatinine, patient, uacr

AT = "2026-06-30T12:00:00Z"
LABELS = ("Means", "From", "Moved", "Caution", "Records")


class Asking:
    """``ask`` about a synthetic patient, in a terminal of so many columns; what it printed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
        monkeypatch.setenv("MEDTWIN_SITE__NORTH_AMERICA", "true")

    def __call__(self, patient: str, *more: str, width: int = 100) -> str:
        self.monkeypatch.setenv("COLUMNS", str(width))
        given = ("--at", AT, "--bundle", str(PATIENTS / f"{patient}.json"), "--complete", "all")
        assert main(["ask", patient, *more, *given]) == 0
        return self.capsys.readouterr().out


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asking:
    return Asking(tmp_path, monkeypatch, capsys)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_an_answer_has_six_lines_and_says_how_to_see_more(ask: Asking) -> None:
    text = ask("ckd-progressing", "kidney-failure-risk-5y", "--since", "2025-06-30", width=1000)
    head, *lines, hint = text.splitlines()
    assert re.split(" {3,}", head) == [
        "Risk of kidney failure within 5 years", "43.7 %", "about 44 in 100 similar people", "complete",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == list(LABELS)
    said = dict(zip(LABELS, (line.split(maxsplit=1)[1] for line in lines), strict=True))
    assert said["From"].startswith(
        "age 64 · estimated GFR 23.5 mL/min/1.73 m² (was 24.8 on 24 Mar 2026) · in North America: yes (site) · female"
    )
    assert said["Moved"].startswith("18.8 (30 Jun 2025) → 43.7 %: serum creatinine 1.85 → 2.27 mg/dL most")
    assert re.search(r"dialysis.*\(\d more: -v\)$", said["Caution"])
    assert said["Records"] == "newest 16 Jun 2026 (14 days), 3 records in handed-in"
    assert hint.strip() == "-v steps   -vv everything   --format json|fhir|turtle"


@pytest.mark.parametrize("since", ["2022-01-01", "2024-06-30", "2025-06-30", "2026-06-29"])
@pytest.mark.parametrize("person", ["ckd-progressing", "sepsis-ward", "prevention", "af-stroke"])
def test_what_moved_it_has_at_most_two_lines(ask: Asking, person: str, since: str) -> None:
    asked = ("kidney-failure-risk-5y", "egfr", "gfr-category", "cha2ds2-vasc", "news2", "prevent-10y-heart-failure")
    block: list[str] = []
    for line in ask(person, *asked, "--since", since, width=80).splitlines():
        block = [line] if line.startswith("  Moved ") else [*block, line] if block and line.startswith(" " * 12) else []
        assert len(block) <= 2, block


def test_a_date_is_shown_as_precisely_as_it_is_recorded(ask: Asking) -> None:
    """Diabetes since 2011-05, hypertension since 2009."""
    text = flat(ask("ckd-progressing", "cha2ds2-vasc", "-v"))
    assert "Records newest May 2011 (ongoing), oldest 2009" in text
    assert "diabetes mellitus: yes (May 2011) · hypertension: yes (2009)" in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verbosity", [(), ("-v",), ("-vv",)])
def test_no_line_is_wider_than_the_terminal(ask: Asking, verbosity: tuple[str, ...], width: int) -> None:
    asked = ("kidney-failure-risk-5y", "egfr", "egfr-slope", "serum-creatinine", "--since", "2025-06-30T12:00:00Z")
    text = ask("ckd-progressing", *asked, *verbosity, width=width)
    # An address stays whole; beside it stands nothing but what belongs to it.
    wide = [line for line in text.splitlines() if columns(line) > width]
    assert not [line for line in wide if "/" not in line or len(line.split()) > 2]
    assert "\x1b" not in text and all(line == line.rstrip() for line in text.splitlines())


def test_what_short_and_middle_leave_out(ask: Asking) -> None:
    for verbosity in ((), ("-v",)):
        text = ask("ckd-progressing", "kidney-failure-risk-5y", *verbosity)
        assert "computed now" not in text and "version" not in text and "cql.hl7.org" not in text
    assert "intended" not in ask("ckd-progressing", "egfr").casefold()
    assert "computed now" in ask("ckd-progressing", "egfr", "-vv")


def test_each_step_once_in_three_lines_and_the_intended_use_last(ask: Asking) -> None:
    text = ask("ckd-progressing", "kidney-failure-risk-2y", "kidney-failure-risk-5y", "egfr", "-v", width=1000)
    answers, steps = text.split("\nSteps\n")
    steps, use = steps.split("\n\nIntended use\n")
    titles = [line.strip() for line in steps.splitlines() if re.match("  [^ ]", line)]
    assert len(titles) == len(set(titles))
    for title in ("Estimated GFR (CKD-EPI 2021, creatinine)", "Kidney Failure Risk Equation, 4 variables, 5 years"):
        assert sum(each.startswith(title) for each in titles) == 1
    # A title, how, and from what.
    assert all(re.match("    (how|from) ", line) for line in steps.splitlines() if not re.match("  [^ ]", line))
    assert len(use.splitlines()) == 3 and "For qualified clinicians" not in answers + steps


def test_everything_is_shown_once_across_answers(ask: Asking) -> None:
    text = flat(ask("ckd-progressing", "kidney-failure-risk-5y", "egfr", "gfr-category", "-vv"))
    assert text.count("how: 142 × min(") == 1
    assert text.count("intended use: For qualified clinicians, alongside clinical judgement, to estimate kidney") == 1
    assert "Estimated GFR (CKD-EPI 2021, creatinine), shown above" in text


@pytest.mark.parametrize(
    ("patient", "concept", "head"),
    [
        ("sparse", "egfr", "Estimated GFR   no value   no serum creatinine in the last 90 days"),
        ("healthy", "cha2ds2-vasc", "CHA2DS2-VASc score   not applicable   no atrial fibrillation"),
        ("healthy", "news2", "National Early Warning Score 2   0 points"),
    ],
)
def test_the_first_line_says_why_there_is_no_value(ask: Asking, patient: str, concept: str, head: str) -> None:
    assert ask(patient, concept, width=1000).startswith(head)


def test_what_is_missing_is_grouped_by_the_reason_and_the_limits_are_told(ask: Asking) -> None:
    head = ask("sparse", "news2", width=1000).splitlines()[0]
    assert re.split(" {3,}", head)[1:] == ["no value", "no vital signs in the last 24 hours; could be 0 to 20 points"]


def test_the_response_to_a_score_is_never_left_out(ask: Asking) -> None:
    text = flat(ask("sepsis-ward", "news2"))
    assert "emergency response threshold. Inform the medical team immediately" in text
    assert "newest 30 Jun 2026 11:34 UTC (26 minutes)" in text
    assert "heart rate 132/min (3)" in text


def test_limits_of_a_value_stand_beside_it(ask: Asking) -> None:
    assert re.match(r"CHA2DS2-VASc score   at least \d, up to \d points   .*partial$", ask("af-stroke", "cha2ds2-vasc"),
                    re.MULTILINE)  # fmt: skip


def test_the_words_of_the_module_do_not_contradict_the_first_line(ask: Asking) -> None:
    """47.95 years are 47.9 completed: the first line once said 48.0, and the next 47.9."""
    assert ask("sparse", "age").startswith("Age   47.9 years")


def test_a_recorded_caution_is_never_folded_away(ask: Asking) -> None:
    assert "pregnan" in ask("pregnant", "egfr").split("Caution")[1].casefold()


STEPPED_BACK: list[Record] = [
    patient(gender="male"),
    creatinine(1.4, "2026-06-01T08:00:00Z"),
    {**creatinine(1.9, "2026-06-20T08:00:00Z", id="unread"), "valueQuantity": {"value": 1.9, "unit": "furlong"}},
    uacr(300, "2026-06-20T08:00:00Z"),
    condition("46635009"),
]


def test_a_step_back_and_records_that_are_not_all_there_are_never_folded_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = bundle_arguments(tmp_path, monkeypatch, STEPPED_BACK)
    assert main(["ask", "p1", "egfr", *given, "--complete", "Patient,Condition"]) == 0
    caution = capsys.readouterr().out.split("Caution")[1]
    assert "Observation/unread" in caution and "1.9 furlong" in caution
    assert "Observation" in caution and "--complete" in caution


def test_a_record_s_words_do_not_command_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = creatinine(1.9, "2026-06-20T08:00:00Z")
    hostile |= {"referenceRange": [{"text": "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}血清 0.5 to 1.1"}]}
    given = bundle_arguments(tmp_path, monkeypatch, [patient(), hostile])
    for verbosity in ((), ("-v",), ("-vv",)):
        assert main(["ask", "p1", "serum-creatinine", *verbosity, *given, "--complete", "all"]) == 0
        out = capsys.readouterr().out
        assert "血清" in out and "\x1b" not in out and "\N{RIGHT-TO-LEFT OVERRIDE}" not in out


def test_several_answers_are_one_block_each(ask: Asking) -> None:
    blocks = ask("ckd-progressing", "egfr", "recorded-uacr", "age").split("\n\n")
    assert [block.split("   ")[0] for block in blocks] == [
        "Estimated GFR",
        "Albumin-creatinine ratio",
        "Age",
    ]
    assert sum("-vv everything" in block for block in blocks) == 1
