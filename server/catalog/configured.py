"""The catalog as the settings complete it: with the value sets of the sources' folders."""

from server.catalog.load import Catalog, load_catalog
from server.settings import Settings


def configured_catalog(settings: Settings) -> Catalog:
    """The shipped catalog with these settings (CatalogError with every fault)."""
    folders = dict.fromkeys(source.folder for source in settings.sources if source.folder is not None)
    return load_catalog(value_sets=folders, terminology_server=settings.terminology is not None)
