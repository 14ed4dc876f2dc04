"""``source add``: a walk from a URL to a source in the settings.

Reads what the source says of itself, tries the authorisation, lists which modules can be fed, and writes the settings.
"""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from collectors.capability.capabilities import Capabilities
from collectors.capability.capability import Capability, Known
from collectors.errors import CollectorError
from collectors.strategy.elements import probe_elements
from ontology.concepts import Origin
from server.catalog.configured import configured_catalog
from server.catalog.load import Catalog
from server.cli.source.check import askable
from server.cli.source.connection import connected
from server.cli.source.console import Console
from server.cli.source.feeding import fed, said_of
from server.cli.source.trying import Tried, try_source
from server.cli.source.wish import Wish
from server.cli.source.writing import appended, block
from server.cli.source.writing import replace as replace_file
from server.errors import SettingsError
from server.settings import Settings, load_settings
from server.settings.load import DEFAULT_FILE


def run(settings: Settings, wish: Wish, config: Path | None) -> int:
    """Walk through it.  0: the source was written; 1: it was not."""
    return asyncio.run(_add(settings, wish, config or DEFAULT_FILE))


async def _add(settings: Settings, wish: Wish, path: Path) -> int:
    console = Console(wish.yes)
    if any(source.id == wish.entry()["id"] for source in settings.sources):
        raise SettingsError(
            f"sources: there is a source with the id {wish.entry()['id']} already; say another with --id"
        )
    catalog = configured_catalog(settings)
    console.say(f"1  What {wish.url} says of itself")
    known = await _read(wish, settings)
    if known.refusal is not None:
        raise SettingsError(known.refusal)
    for line in said_of(known):
        console.say(f"   {line}")
    console.say("2  Authorisation")
    wish, tried = await _authorise(wish, settings, known.capability, console)
    console.say(f"   {tried.text}")
    console.say("3  Which modules it can feed, as far as it declares")
    for line in fed(known.capability, catalog, askable(catalog)):
        console.say(f"   {line}")
    if wish.patient is not None and tried.answers:
        console.say("4  What it sends")
        wish = await _probe(wish, settings, catalog, console)
    console.say("")
    console.say(block(wish.entry()))
    if not tried.answers:
        if wish.yes and not wish.unanswered:
            console.say(
                "It has not answered as it should (see 2).  Nothing was written; --unanswered writes it all the same."
            )
            return 1
        console.say("It has not answered yet as it should (see 2); the settings can be written all the same.")
    if not console.confirm(f"Write this to {path}?"):
        console.say("Nothing was written.")
        return 1
    _write(path, wish)
    console.say(f"Written to {path}.  What a patient's records fill, slot by slot:")
    console.say(
        f"  python -m server source check {wish.entry()['id']} --patient {wish.patient or 'ID'} --config {path}"
    )
    return 0


async def _read(wish: Wish, settings: Settings) -> Known:
    # A CapabilityStatement is public by SMART's rules, and which authorisation is wanted is not known yet.
    async with connected(wish.openly().source(settings.zone)) as connection:
        capabilities = Capabilities()
        try:
            return await capabilities.read(connection.source, connection.transport.get)
        finally:
            await capabilities.aclose()


async def _authorise(
    wish: Wish, settings: Settings, capability: Capability | None, console: Console
) -> tuple[Wish, Tried]:
    """The wish with a way of authorising, and what came of trying it."""
    if wish.auth is None:
        async with connected(wish.openly().source(settings.zone)) as connection:
            tried = await try_source(connection, wish.patient)
        if not tried.refused:
            return wish.openly(), tried
        console.say(f"   without authorisation: {tried.text}")
        wish = replace(wish, auth=_way(wish, capability, console))
    if wish.auth == "backend":
        if wish.client_id is None:
            wish = replace(
                wish, client_id=console.text("Under which client id are we registered there?", "--client-id")
            )
        if wish.key_file is None and wish.key_env is None:
            name = console.text("In which file is our private key (PEM or JWK)?", "--key-file or --key-env")
            wish = replace(wish, key_file=Path(name))
    try:
        async with connected(wish.source(settings.zone)) as connection:
            return wish, await try_source(connection, wish.patient)
    except CollectorError as error:
        return wish, Tried(False, True, f"not tried: {error}")


def _way(wish: Wish, capability: Capability | None, console: Console) -> str:
    if wish.client_id is not None:
        return "backend"
    smart = capability.smart if capability is not None else None
    if smart is not None and "private_key_jwt" in smart.auth_methods:
        console.say("   it takes clients of SMART Backend Services (private_key_jwt)")
    return console.choose(
        "Shall the caller's own token be passed on (caller), or do we have a client of our own (backend)?",
        ("caller", "backend"),
        "--auth",
    )


async def _probe(wish: Wish, settings: Settings, catalog: Catalog, console: Console) -> Wish:
    """Whether ``_elements`` leaves whole what is read, tried on one patient's observations."""
    collector = next(
        each for each in catalog.collectors.values() if each.origin is Origin.OBSERVATION and not each.on_request
    )
    async with connected(wish.source(settings.zone)) as connection:
        try:
            found = await probe_elements(connection.client, collector, wish.patient or "")
        except CollectorError as error:
            console.say(f"   {error}")
            return wish
    console.say(f"   {found.text}")
    return replace(wish, elements=found.usable is True)


def _write(path: Path, wish: Wish) -> None:
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the settings file {path} cannot be read") from None
    after = appended(before, wish.entry())
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "medtwin.toml"
        draft.write_text(after, encoding="utf-8")
        # What would stop the next start is told before anything is written.
        load_settings(draft)
    replace_file(path, after)
