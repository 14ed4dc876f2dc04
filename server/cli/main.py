"""Parses the arguments and runs a command.  An error is a line on stderr (one for each fault), never a traceback."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from collectors.auth.authorisations import TOKEN_VARIABLE
from ontology.errors import MedtwinError
from server.cli import hooks, source
from server.cli.arguments import caller_token, end_of, start_of, time_argument
from server.cli.terminal import print_text
from server.errors import QuestionError
from server.executor.question import Question
from server.explain.comparisons import Baseline, Comparison
from server.settings import Settings, load_settings

FAILED = 1
INTERRUPTED = 130
_BASELINES = {"reference": Baseline.REFERENCE, "earlier": Baseline.EARLIER, "assumption": Baseline.ACTUAL}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.  Returns the exit status: 0 done, 1 failed or not answered, 130 interrupted; 2 where ``verify``
    could not understand the file; 3 where ``ask`` answered, but a source could not be reached, or ``record`` could not.

    argparse ends the process with status 2 for arguments that it cannot parse.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    given = _parser().parse_args(arguments)
    try:
        adding = given.command == "source" and given.action == "add"
        return _run_command(given, load_settings(given.config, may_be_missing=adding))
    except MedtwinError as error:
        for line in str(error).splitlines():
            print_text(f"medtwin: {line}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _run_command(given: argparse.Namespace, settings: Settings) -> int:
    # Each command imports what it needs: ``ask`` needs no GraphQL and no HTTP server, half a second of imports.
    match given.command:
        case "serve":
            from server.cli import serve

            return serve.run(settings, given.host, given.port)
        case "ask":
            from server.cli import ask

            zone = ZoneInfo(settings.zone)
            comparisons = _comparisons(given, zone)
            question = Question(
                given.patient,
                tuple(given.concept),
                None if given.at is None else end_of(given.at, zone, datetime.now(UTC)),
                given.source,
                token=caller_token(),
                earlier_times=tuple(each.since for each in comparisons if each.since is not None),
            )
            return ask.run(
                settings, question, given.format, given.bundle, given.complete, comparisons, given.assume, given.verbose
            )
        case "record":
            from server.cli import record

            return record.run(
                settings,
                given.url,
                given.format,
                caller_token(),
                given.patient,
                given.referenced_by,
                given.bundle,
            )
        case "plan":
            from server.cli import plan

            return plan.run_plan(settings, tuple(given.concept))
        case "card":
            from server.cli import plan

            return plan.run_card(settings, given.module)
        case "concepts":
            from server.cli import plan

            return plan.run_concepts(settings, " ".join(given.word))
        case "schema":
            from server.cli import plan

            return plan.run_schema()
        case "verify":
            from server.cli import verify

            return verify.run(settings, given.file, given.format)
        case "source":
            return source.run(given, settings)
        case "hooks":
            return hooks.run(given, settings)
        case _:
            from server.cli import check

            return check.run(settings)


def _comparisons(given: argparse.Namespace, zone: tzinfo) -> tuple[Comparison, ...]:
    """The comparisons to make for each answer, none or one.

    Raises QuestionError if ``--why``, ``--since`` and ``--assume`` contradict each other.
    """
    baseline = given.why or ("earlier" if given.since is not None else None)
    if baseline is None:
        return ()
    if (baseline == "earlier") is not (given.since is not None):
        raise QuestionError("since-required", "--why earlier needs --since TIME, and no other --why takes one")
    if baseline == "assumption" and not given.assume:
        raise QuestionError("assume-required", "--why assumption needs --assume CONCEPT=VALUE")
    return (Comparison(_BASELINES[baseline], None if given.since is None else start_of(given.since, zone)),)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server", description="Clinical decision support: each answer with its argument."
    )
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="settings (default: medtwin.toml, if it exists)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve_ = commands.add_parser("serve", parents=[config], help="serve GraphQL over HTTP")
    serve_.add_argument("--host", help="address to listen on, instead of server.host")
    serve_.add_argument(
        "--port", type=_port_argument, help="port to listen on, instead of server.port; 0 takes a free one"
    )

    ask_ = commands.add_parser(
        "ask",
        parents=[config],
        help="answer a question about one patient",
        epilog="Exit status: 0 answered; 1 not answered, or a module failed; 2 arguments not understood; 3 answered,"
        " but a source could not be reached and its records are missing. "
        f'The token for a source with auth = "caller" is read from the environment variable {TOKEN_VARIABLE}.',
    )
    ask_.add_argument("patient", metavar="PATIENT", help="the patient's FHIR id")
    ask_.add_argument("concept", metavar="CONCEPT", nargs="+", help="the concept to answer, such as egfr")
    ask_.add_argument(
        "--at",
        type=time_argument,
        metavar="TIME",
        help="as of this time, ISO 8601 with a zone; or of a date its end in the site's zone, of today now (default)",
    )
    ask_.add_argument("--source", metavar="ID", help="the source, if several are configured")
    ask_.add_argument(
        "--bundle", metavar="FILE", help="supplied records as FHIR JSON (- for standard input); not retrieved"
    )
    ask_.add_argument(
        "--complete",
        metavar="TYPES",
        default="",
        help="resource types that are complete in the bundle: Observation,Condition, or all; of other types, what is"
        " not in it is unknown",
    )
    ask_.add_argument("--format", choices=("text", "json", "turtle", "json-ld", "fhir"), default="text")
    ask_.add_argument(
        "-v", "--verbose", action="count", default=0, help="in the text: every caution and each step; -vv everything"
    )
    ask_.add_argument(
        "--why",
        choices=tuple(_BASELINES),
        help="what moved the result: against usual values, since TIME, or by the assumptions",
    )
    ask_.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="CONCEPT=VALUE",
        help="what if: serum-creatinine=1.2mg/dL, diabetes=yes, sex=female, uacr=missing; may be repeated",
    )
    ask_.add_argument(
        "--since",
        type=time_argument,
        metavar="TIME",
        help="the earlier time; or of a date its start in the site's zone; implies --why earlier",
    )

    record_ = commands.add_parser(
        "record",
        parents=[config],
        help="print one record itself, in the version that its address names",
        epilog="Exit status: 0 printed; 1 not to be had (another patient's, not permitted, this version is gone);"
        " 2 arguments not understood; 3 the source could not be reached. "
        f'The token for a source with auth = "caller" is read from the environment variable {TOKEN_VARIABLE}.',
    )
    record_.add_argument(
        "url", metavar="URL", help="its address in a configured source, such as BASE/Observation/o1/_history/2"
    )
    record_.add_argument(
        "--format",
        type=lambda text: "json-ld" if text == "jsonld" else text,
        choices=("json", "turtle", "json-ld"),
        default="json",
    )
    record_.add_argument("--patient", metavar="ID", help="only if it is one of the records of this patient (FHIR id)")
    record_.add_argument(
        "--referenced-by",
        metavar="URL",
        help="a record of the patient that refers to it, where it is about nobody (a drug, a practitioner)",
    )
    record_.add_argument(
        "--bundle", metavar="FILE", help="supplied records as FHIR JSON (- for standard input); not retrieved"
    )

    plan_ = commands.add_parser("plan", parents=[config], help="the modules that would be called, and the searches")
    plan_.add_argument("concept", metavar="CONCEPT", nargs="+")

    card_ = commands.add_parser("card", parents=[config], help="the card of a module that was fitted to data")
    card_.add_argument("module", metavar="ID", help="a module, such as kidney-failure-risk-5y")

    concepts_ = commands.add_parser("concepts", parents=[config], help="what can be asked, with units and synonyms")
    concepts_.add_argument(
        "word", metavar="WORD", nargs="*", help="only what has these words in its id, label, synonyms or codes"
    )

    commands.add_parser("schema", parents=[config], help="the GraphQL schema, for tools that generate code")

    verify_ = commands.add_parser(
        "verify",
        parents=[config],
        help="compute an exported argument again and report differences",
        epilog="Exit status: 0 no differences; 1 differences, or not computable here; 2 not an exported argument.",
    )
    verify_.add_argument("file", metavar="FILE", help="output of ask --format turtle or json-ld (- for standard input)")
    verify_.add_argument("--format", choices=("text", "json"), default="text")

    commands.add_parser("check", parents=[config], help="check ontology, descriptions, cases and sources")
    hooks.add_arguments(commands.add_parser("hooks", help="what clinicians told of the cards of CDS Hooks"), config)
    source.add_arguments(commands.add_parser("source", help="add a FHIR source, or check one"), config)
    return parser


def _port_argument(text: str) -> int:
    if text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
