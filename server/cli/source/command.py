"""The arguments of ``source add``, ``source check`` and ``source jwks``."""

import argparse
from pathlib import Path

from server.cli.arguments import time_argument
from server.settings import Settings

_AUTH_METHODS = ("none", "caller", "backend")


def add_arguments(parser: argparse.ArgumentParser, config: argparse.ArgumentParser) -> None:
    """Add the actions to the parser of ``source``; ``config`` is the parent parser with ``--config``."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_add_arguments(
        commands.add_parser(
            "add",
            parents=[config],
            help="add a source to the settings, from its FHIR base URL",
            description="Reads the source's capability statement, tries the authorisation, lists which modules it can "
            "supply and which data are missing, and writes the source into the settings.",
        )
    )
    check_ = commands.add_parser(
        "check",
        parents=[config],
        help="module by module, which slots a patient's records fill",
        description="Prints, module by module, which slots a patient's records fill, from which codes and units, why "
        "the others are empty, and which of the patient's codes no concept reads.",
    )
    check_.add_argument("id", metavar="ID", help="the source's id in the settings")
    check_.add_argument("--patient", metavar="P", required=True, help="the patient's FHIR id")
    check_.add_argument("--at", type=time_argument, metavar="TIME", help="as of this time (default: now)")
    jwks_ = commands.add_parser(
        "jwks",
        parents=[config],
        help="print our public key for a source",
        description='Prints the JWK Set to register for a source with auth = "backend".',
    )
    jwks_.add_argument("id", metavar="ID", help="the source's id in the settings, or terminology")


def _add_add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the FHIR R4 base URL")
    parser.add_argument("--id", metavar="ID", help="the source's id in the settings (default: from the host name)")
    parser.add_argument("--patient", metavar="P", help="a patient's FHIR id, for the trial")
    parser.add_argument("--auth", choices=_AUTH_METHODS, help="the authorisation (default: detected, or asked for)")
    parser.add_argument("--client-id", metavar="ID", help="our client id at the source (backend)")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="our private key, PEM or JWK (backend)")
    parser.add_argument("--key-env", metavar="NAME", help="instead: the environment variable that holds it")
    parser.add_argument("--token-url", metavar="URL", help="the token endpoint, if on another host (backend)")
    parser.add_argument("--scope", metavar="SCOPES", help="the scopes to request (backend; default system/*.rs)")
    parser.add_argument("--cert-file", type=Path, metavar="FILE", help="our TLS client certificate, PEM")
    parser.add_argument("--tls-key-file", type=Path, metavar="FILE", help="its key, PEM")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="the certificate authority of the source, PEM")
    parser.add_argument("--allow-http", action="store_true", help="allow plain http other than on loopback")
    parser.add_argument("--yes", action="store_true", help="ask nothing; options without a default are required")
    parser.add_argument(
        "--unanswered",
        action="store_true",
        help="with --yes: write the source even if the trial fails",
    )


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run one action; returns its exit status.  Each imports what it needs: the parser is built for every command."""
    if given.action == "check":
        from server.cli.source import check

        return check.run(settings, given.id, given.patient, given.at)
    if given.action == "jwks":
        from server.cli.source import jwks

        return jwks.run(settings, given.id)
    from server.cli.source import add
    from server.cli.source.options import SourceOptions

    names = ("url", "id", "patient", "auth", "client_id", "key_file", "key_env", "token_url", "scope")
    files = ("cert_file", "tls_key_file", "ca_file", "allow_http", "yes", "unanswered")
    return add.run(settings, SourceOptions(**{name: getattr(given, name) for name in (*names, *files)}), given.config)
