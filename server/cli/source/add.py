"""``source add``: adds a source to the settings, step by step from its URL, with questions at the terminal.

It reads what the source declares, tries the authorisation, lists which modules are feasible, and writes the settings.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from collectors.capability.capability import Capability, KnownCapability, Offer, offers_for
from collectors.capability.capability_cache import CapabilityCache
from collectors.errors import CollectorError
from collectors.strategy.elements_probe import probe_elements
from ontology.concepts import Origin
from server.catalog.catalog import Catalog, configured_catalog
from server.cli.source.check import answerable_concepts
from server.cli.source.connection import Trial, open_connection, try_source
from server.cli.source.options import SourceOptions, append_source, replace_file, toml_block
from server.cli.terminal import print_text
from server.compiler.compilation import compile_plan
from server.compiler.plan import Leaf, Plan
from server.errors import SettingsError
from server.settings import Settings, load_settings
from server.settings.settings_file import DEFAULT_FILE


class Console:
    """Questions at the terminal; with ``yes`` none is asked, and one without a default raises SettingsError."""

    def __init__(self, yes: bool) -> None:
        self._yes = yes

    def print_line(self, text: str = "") -> None:
        """Print a line."""
        print_text(text)

    def choose(self, question: str, choices: Sequence[str], flag: str) -> str:
        """Ask for one of the choices; there is no default.

        Raises SettingsError without a terminal, naming ``flag``.
        """
        if self._yes or not sys.stdin.isatty():
            raise SettingsError(f"{question} There is no terminal to ask at: use {flag} {'|'.join(choices)}.")
        while True:
            given = input(f"{question} [{'/'.join(choices)}] ").strip()
            if given in choices:
                return given

    def text(self, question: str, flag: str) -> str:
        """Ask for a text.  Raises SettingsError without a terminal, naming ``flag``."""
        if self._yes or not sys.stdin.isatty():
            raise SettingsError(f"{question} There is no terminal to ask at: use {flag}.")
        while not (given := input(f"{question} ").strip()):
            pass
        return given

    def confirm(self, question: str) -> bool:
        """Ask for yes or no.  Raises SettingsError without a terminal."""
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise SettingsError(f"{question} There is no terminal to ask at: use --yes.")
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def describe_capability(known: KnownCapability) -> Iterator[str]:
    """Lines on what a source declares: version, software, authorisation; or why that is unknown."""
    capability = known.capability
    if capability is None:
        yield f"! {known.remark}; it will be searched by patient, code and date only"
        return
    name = capability.software or "software not named"
    yield f"FHIR {capability.version}, {len(capability.types)} resource types; {name}"
    if capability.smart is not None:
        methods = ", ".join(sorted(capability.smart.auth_methods)) or "not stated"
        yield f"authorisation: SMART; client authentication: {methods}"
    yield from (f"! {note}" for note in known.notes)


def feasibility_lines(capability: Capability | None, catalog: Catalog, goals: tuple[str, ...]) -> Iterator[str]:
    """A line for each goal (concept id): whether the source can supply it, and which data are missing."""
    seen: dict[str, Offer] = {}
    for goal in goals:
        plan = compile_plan(catalog, (goal,))
        # Collectors that are used on request only are not in the settings yet; draft orders are no source's.
        wanted = (each for each in plan.searches if not each.description.comes_with_question)
        offers = offers_for(capability, tuple(each for each in wanted if not each.description.on_request))
        seen.update((offer.resource_type, offer) for offer in offers if offer.concepts)
        missing = [offer for offer in offers if offer.offered is False and offer.concepts]
        unknown = any(offer.offered is None for offer in offers)
        name = f"{goal:<28}"
        if not missing:
            yield f"  {name} {'unknown' if unknown else 'can be answered'}"
            continue
        needed = {concept for offer in missing for concept in offer.concepts if concept in _required_concepts(plan)}
        word = "cannot be answered" if needed else "partly"
        parts = "; ".join(f"no {offer.resource_type}: {', '.join(offer.concepts)}" for offer in missing)
        yield f"  {name} {word} ({parts})"
    yield "Searches:"
    yield from (f"  {offer.text}" for offer in sorted(seen.values(), key=lambda each: each.resource_type))


def _required_concepts(plan: Plan) -> frozenset[str]:
    """Ids of the recorded concepts without which a module of the plan has no value."""
    return frozenset(
        binding.slot.concept.id
        for call in plan.calls
        for slot in call.description.slots
        if slot.required and isinstance(binding := call.bindings[slot.name], Leaf)
    )


def run(settings: Settings, options: SourceOptions, config: Path | None) -> int:
    """Add a source.  Returns the exit status: 0 the source was written, 1 it was not.  Raises SettingsError."""
    return asyncio.run(_add_source(settings, options, config or DEFAULT_FILE))


async def _add_source(settings: Settings, options: SourceOptions, path: Path) -> int:
    console = Console(options.yes)
    if any(source.id == options.entry()["id"] for source in settings.sources):
        raise SettingsError(
            f"sources: a source with the id {options.entry()['id']} exists already; choose another with --id"
        )
    catalog = configured_catalog(settings)
    console.print_line(f"1  Capability statement of {options.url}")
    known = await _read_capability(options, settings)
    if known.refusal is not None:
        raise SettingsError(known.refusal)
    for line in describe_capability(known):
        console.print_line(f"   {line}")
    console.print_line("2  Authorisation")
    options, trial = await _find_authorisation(options, settings, known.capability, console)
    console.print_line(f"   {trial.text}")
    console.print_line("3  Modules that it can supply, as far as it declares")
    for line in feasibility_lines(known.capability, catalog, answerable_concepts(catalog)):
        console.print_line(f"   {line}")
    if options.patient is not None and trial.answers:
        console.print_line("4  Trial of _elements")
        options = await _probe_elements(options, settings, catalog, console)
    console.print_line("")
    console.print_line(toml_block(options.entry()))
    if not trial.answers:
        if options.yes and not options.unanswered:
            console.print_line("The trial failed (see 2).  Nothing was written; use --unanswered to write it anyway.")
            return 1
        console.print_line("The trial failed (see 2); the settings can be written anyway.")
    if not console.confirm(f"Write this to {path}?"):
        console.print_line("Nothing was written.")
        return 1
    _write_settings(path, options)
    console.print_line(f"Written to {path}.  To see which slots a patient's records fill:")
    console.print_line(
        f"  python -m server source check {options.entry()['id']} --patient {options.patient or 'ID'} --config {path}"
    )
    return 0


async def _read_capability(options: SourceOptions, settings: Settings) -> KnownCapability:
    # By SMART a CapabilityStatement is public; which authorisation is required is not known yet.
    async with open_connection(options.without_auth().source(settings.zone)) as connection:
        capabilities = CapabilityCache()
        try:
            return await capabilities.read(connection.source, connection.transport.get)
        finally:
            await capabilities.aclose()


async def _find_authorisation(
    options: SourceOptions, settings: Settings, capability: Capability | None, console: Console
) -> tuple[SourceOptions, Trial]:
    """The options with an authorisation, and the trial with it."""
    if options.auth is None:
        async with open_connection(options.without_auth().source(settings.zone)) as connection:
            trial = await try_source(connection, options.patient)
        if not trial.refused:
            return options.without_auth(), trial
        console.print_line(f"   without authorisation: {trial.text}")
        options = replace(options, auth=_choose_auth(options, capability, console))
    if options.auth == "backend":
        if options.client_id is None:
            options = replace(options, client_id=console.text("Our client id at the source:", "--client-id"))
        if options.key_file is None and options.key_env is None:
            name = console.text("File with our private key (PEM or JWK):", "--key-file or --key-env")
            options = replace(options, key_file=Path(name))
    try:
        async with open_connection(options.source(settings.zone)) as connection:
            return options, await try_source(connection, options.patient)
    except CollectorError as error:
        return options, Trial(False, True, f"not tried: {error}")


def _choose_auth(options: SourceOptions, capability: Capability | None, console: Console) -> str:
    if options.client_id is not None:
        return "backend"
    smart = capability.smart if capability is not None else None
    if smart is not None and "private_key_jwt" in smart.auth_methods:
        console.print_line("   it supports SMART Backend Services (private_key_jwt)")
    return console.choose(
        "Pass on the caller's token (caller), or use a client of our own (backend)?",
        ("caller", "backend"),
        "--auth",
    )


async def _probe_elements(
    options: SourceOptions, settings: Settings, catalog: Catalog, console: Console
) -> SourceOptions:
    """The options with ``elements`` set if ``_elements`` omits nothing that is read (tried with observations)."""
    collector = next(
        each for each in catalog.collectors.values() if each.origin is Origin.OBSERVATION and not each.on_request
    )
    async with open_connection(options.source(settings.zone)) as connection:
        try:
            probe = await probe_elements(connection.client, collector, options.patient or "")
        except CollectorError as error:
            console.print_line(f"   {error}")
            return options
    console.print_line(f"   {probe.text}")
    return replace(options, elements=probe.usable is True)


def _write_settings(path: Path, options: SourceOptions) -> None:
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the settings file {path} cannot be read") from None
    after = append_source(before, options.entry())
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "medtwin.toml"
        draft.write_text(after, encoding="utf-8")
        # Raises what would stop the next start, before anything is written.
        load_settings(draft)
    replace_file(path, after)
