"""``source jwks``: the public key of medtwin for a source, to register with its authorisation server."""

import json
import os

from collectors.auth.registration import read_registration
from collectors.errors import CredentialError
from server.errors import SettingsError
from server.settings import Settings


def run(settings: Settings, source_id: str) -> int:
    """Print the JWK Set.  Returns 0; raises SettingsError if the source is not configured or has no usable key."""
    terminology = [settings.terminology.source()] if settings.terminology is not None else []
    source = next((each for each in (*settings.endpoints(), *terminology) if each.id == source_id), None)
    if source is None:
        raise SettingsError("no source of this id is configured")
    if source.auth != "backend":
        raise SettingsError(f'source {source.id} has no key: only auth = "backend" uses one')
    try:
        registration = read_registration(source, os.environ)
    except CredentialError as error:
        raise SettingsError(str(error)) from None
    print(json.dumps({"keys": [registration.key.public_jwk()]}, indent=2))
    return 0
