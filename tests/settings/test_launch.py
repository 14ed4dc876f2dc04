"""Launches, as settings have them; and what is said of what may not be."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import Settings, load_settings

SERVER = '[server]\npublic_url = "https://cds.example"\n'
SOURCE = '[[sources]]\nid = "ehr"\nbase_url = "https://ehr.example/fhir"\nauth = "caller"\n'
LAUNCH = '[sources.launch]\nclient_id = "medtwin-app"\n'
PEM = "-----BEGIN PRIVATE KEY----- hunter2"


def load(folder: Path, text: str) -> Settings:
    path = folder / "medtwin.toml"
    path.write_text(text)
    return load_settings(path, {})


def test_a_launch_needs_a_client_id_and_the_rest_has_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, SERVER + SOURCE + LAUNCH)
    launch = settings.sources[0].launch
    assert launch is not None
    assert launch.scope == "launch openid fhirUser online_access patient/*.rs"
    assert (launch.origins, launch.key_file, launch.key_env, launch.secret_env) == ((), None, None, None)
    assert settings.launch.frame_ancestors == ()


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/launch.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    settings = load(tmp_path, example)
    assert settings.sources[0].launch is not None
    assert settings.launch.frame_ancestors


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCE + LAUNCH, "sources.launch requires server.public_url"),
        (SERVER.replace("example", "example/twin") + SOURCE + LAUNCH, "a server.public_url without path"),
        (
            SERVER + SOURCE + LAUNCH + SOURCE.replace('"ehr"', '"two"').replace("/fhir", "/fhir/") + LAUNCH,
            "two sources with launch have the same base_url",
        ),
        (SERVER + SOURCE.replace("caller", "none") + LAUNCH, 'sources.launch of ehr requires auth = "caller"'),
        (SERVER + SOURCE + LAUNCH + "[cache]\nenabled = false\n", "sources.launch requires the cache"),
        (SERVER + SOURCE + '[sources.launch]\nscope = "launch"\n', "sources.0.launch.client_id: Field required"),
        (SERVER + SOURCE + '[sources.launch]\nclient_id = ""\n', "sources.0.launch.client_id: "),
        (SERVER + SOURCE + '[sources.launch]\nclient_id = "a\\nb"\n', "must be printable ASCII"),
        (SERVER + SOURCE + LAUNCH + 'scope = "openid patient/*.rs"\n', "must contain launch"),
        (SERVER + SOURCE + LAUNCH + 'scope = "launch  openid"\n', "separated by single spaces"),
        (SERVER + SOURCE + LAUNCH + 'scope = ""\n', "separated by single spaces"),
        (SERVER + SOURCE + LAUNCH + 'origins = ["*"]\n', "each must be an origin"),
        (SERVER + SOURCE + LAUNCH + 'origins = ["https://auth.example/"]\n', "each must be an origin"),
        (SERVER + SOURCE + LAUNCH + 'key_env = "A"\nsecret_env = "B"\n', "at most one of key_file"),
        (SERVER + SOURCE + LAUNCH + 'key_file = "k.pem"\nsecret_env = "B"\n', "at most one of key_file"),
        (SERVER + SOURCE + LAUNCH + f'key_file = "{PEM}"\n', "a key must not be in the settings"),
        (SERVER + SOURCE + LAUNCH + 'secret_env = "hunter2 is it"\n', "must be the name of an environment variable"),
        (SERVER + SOURCE + LAUNCH + 'secret = "hunter2"\n', "sources.0.launch.secret: no such setting"),
        (SERVER + '[launch]\nframe_ancestors = ["*"]\n', "launch.frame_ancestors: each must be an origin"),
        (SERVER + '[launch]\nframe_ancestors = ["https://ehr.example; script-src *"]\n', "launch.frame_ancestors: "),
        (SERVER + '[launch]\nframe = ["https://ehr.example"]\n', "launch.frame: no such setting"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_repeated(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
