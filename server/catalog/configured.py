"""The catalog as the settings complete it, with the value sets of the sources' folders; and what they name of it."""

from collections.abc import Iterable

from collectors.settings import Source
from collectors.terminology.files import read_folders
from collectors.terminology.maps import translation
from collectors.terminology.rivals import rivals
from server.catalog.load import Catalog, load_catalog
from server.errors import SettingsError
from server.settings import Settings


def configured_catalog(settings: Settings) -> Catalog:
    """The shipped catalog with these settings (CatalogError with every fault)."""
    folders = dict.fromkeys(source.folder for source in settings.sources if source.folder is not None)
    return load_catalog(value_sets=folders, terminology_server=settings.terminology is not None)


def check_collectors(sources: Iterable[Source], catalog: Catalog) -> None:
    """SettingsError with a line for each setting of a source that names a collector which there is not, and for each
    local code of a source that is read as two measurements.
    """
    faults = []
    for source in sources:
        named = {"freshness": [name for name, _ in source.freshness], "collectors": source.collectors}
        for setting, names in named.items():
            unknown = [name for name in names if name not in catalog.collectors]
            if unknown:
                known = ", ".join(sorted(catalog.collectors))
                faults.append(f"sources.{setting} of {source.id}: no such collector: {', '.join(unknown)}; {known}")
        if source.folder is not None:
            # What is wrong with the maps themselves is told where they are read to be used.
            local, _ = translation(read_folders([source.folder]).maps)
            faults += [f"source {source.id}: {each}" for each in rivals(catalog.concepts.values(), local)]
    if faults:
        raise SettingsError("\n".join(faults))
