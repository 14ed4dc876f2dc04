"""``source jwks``: the public half of our key for a source, as it is registered with its authorisation server."""

import json
import os

from collectors.auth.registration import read_registration
from collectors.errors import CredentialError
from server.errors import SettingsError
from server.settings import Settings


def run(settings: Settings, source_id: str) -> int:
    """Print the JWK Set.  Raises SettingsError where the source is none of ours, or has no key that can be used."""
    terms = [settings.terminology.source()] if settings.terminology is not None else []
    source = next((each for each in (*settings.endpoints(), *terms) if each.id == source_id), None)
    if source is None:
        raise SettingsError("no source of this id is configured")
    if source.auth != "backend":
        raise SettingsError(f'source {source.id} has no key of ours: that goes with auth = "backend"')
    try:
        registration = read_registration(source, os.environ)
    except CredentialError as error:
        raise SettingsError(str(error)) from None
    print(json.dumps({"keys": [registration.key.public_jwk()]}, indent=2))
    return 0
