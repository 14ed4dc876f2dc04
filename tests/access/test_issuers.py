"""Which issuer a token goes to, and for how long its check is kept."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm

from collectors.settings import Source
from server.access import issuers as issuers_module
from server.access.grant import Grant, may_pass_on
from server.access.issuers import Issuers
from server.access.jwt_check import JwtCheck
from server.errors import AccessRefusedError
from tests.support.authorisation_server import ec_key
from tests.support.fake_fhir_servers import BASE
from tests.support.token_issuer import AUDIENCE, KID, NOW, Clock, TokenIssuer, jwk_of, open_issuers, site


async def granted(issuers: Issuers, token: str) -> Grant:
    return await issuers.grant([f"Bearer {token}"])


async def code_of(issuers: Issuers, headers: Sequence[str]) -> tuple[str, int]:
    with pytest.raises(AccessRefusedError) as caught:
        await issuers.grant(headers)
    return caught.value.code, caught.value.status


async def test_a_grant_has_what_the_token_says_and_what_the_settings_allow() -> None:
    async with TokenIssuer.listening() as issuer:
        settings = issuer.settings(audience=[AUDIENCE, BASE], any_patient=True)
        async with open_issuers(site(settings)) as issuers:
            token = issuer.token(issuer.claims(aud=[BASE, "https://other.example"], scope="patient/*.rs openid"))
            grant = await granted(issuers, token)
    assert (grant.issuer, grant.subject, grant.client, grant.patient) == ("as", "dr-1", "app", "p1")
    assert (grant.sources, grant.any_patient, grant.scope) == ({"ehr"}, True, "patient/*.rs openid")
    assert grant.audience == {BASE, "https://other.example"}
    # The EHR's own address is no audience of ours.
    assert grant.own_audience == {AUDIENCE, "https://cds.example"}
    assert (grant.expires, grant.token) == (NOW + 300, token)
    assert token not in repr(grant)
    assert "p1" not in repr(grant)


async def test_what_is_for_our_public_url_is_for_us_whether_it_is_listed_or_not() -> None:
    async with TokenIssuer.listening() as issuer:
        source = Source("ehr", BASE, auth="caller")
        settings = site(issuer.settings(audience=[BASE]), sources=[{"id": "ehr", "base_url": BASE, "auth": "caller"}])
        async with open_issuers(settings) as issuers:
            for own in ("https://cds.example", "https://cds.example/", AUDIENCE, f"{AUDIENCE}/"):
                grant = await granted(issuers, issuer.token(issuer.claims(aud=[BASE, own])))
                assert not may_pass_on(grant, source)
            assert may_pass_on(await granted(issuers, issuer.token(issuer.claims(aud=BASE))), source)


async def test_a_patient_is_one_of_the_source_in_the_audience_or_of_the_first() -> None:
    lab = "https://lab.example/fhir"
    sources = [{"id": "lab", "base_url": lab}, {"id": "ehr", "base_url": BASE}]
    async with TokenIssuer.listening() as issuer:
        own = issuer.settings(audience=[AUDIENCE, lab], sources=["ehr", "lab"])
        async with open_issuers(site(own, sources=sources)) as issuers:
            for aud, expected in ((AUDIENCE, "ehr"), (lab, "lab"), ([AUDIENCE, f"{lab}/"], "lab")):
                grant = await granted(issuers, issuer.token(issuer.claims(aud=aud)))
                assert (grant.sources, grant.patient_source) == ({"ehr", "lab"}, expected)
        issuer.known["opaque-token"] = {"active": True, **issuer.claims(aud=None)}
        introspected = {**issuer.introspection(), "sources": ["lab", "ehr"]}
        async with open_issuers(site(introspected, sources=sources)) as issuers:
            assert (await granted(issuers, "opaque-token")).patient_source == "lab"


async def test_a_token_without_patient_is_granted_without() -> None:
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        grant = await granted(issuers, issuer.token(issuer.claims(patient=None, sub=None, client_id=None, scope=None)))
    assert (grant.patient, grant.subject, grant.client, grant.scope) == (None, "", "", "")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "token-required"),
        (["Basic YTpi"], "token-required"),
        (["x"], "token-required"),
        ([""], "token-required"),
        (["Bearer"], "invalid-token"),
        (["Bearer a b"], "invalid-token"),
        (["Bearer a", "Bearer a"], "invalid-token"),
        (["Bearer a", "Basic a"], "invalid-token"),
        (["Bearer " + "a" * 16_385], "invalid-token"),
        (["Bearer ä"], "invalid-token"),
    ],
)
async def test_what_is_no_token_is_refused_without_asking_anybody(headers: list[str], code: str) -> None:
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        assert await code_of(issuers, headers) == (code, 401)
        assert issuer.fetches == 0


async def test_a_check_is_kept_for_ten_minutes_or_until_the_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    checks: list[str] = []
    real = JwtCheck.check

    async def counted(self: JwtCheck, token: str, *rest: object) -> object:
        checks.append(token)
        return await real(self, token, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(JwtCheck, "check", counted)
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings()), clock) as issuers:
        long, short = issuer.token(issuer.claims(exp=int(NOW) + 9_999)), issuer.token(issuer.claims(exp=int(NOW) + 30))
        for _ in range(3):
            await granted(issuers, long)
            await granted(issuers, short)
        assert checks == [long, short]
        clock.passed = 89
        await granted(issuers, short)
        assert checks == [long, short]
        clock.passed = 90
        assert await code_of(issuers, [f"Bearer {short}"]) == ("invalid-token", 401)
        clock.passed = 599
        await granted(issuers, long)
        assert checks == [long, short, short]
        clock.passed = 600
        await granted(issuers, long)
        assert checks == [long, short, short, long]


async def test_a_check_is_for_the_complete_token() -> None:
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        token = issuer.token()
        await granted(issuers, token)
        head, body, signature = token.split(".")
        for other in (f"{head}.{body}.{signature[:-2]}AA", f"{head}.{body}.", f"{head}.{body}.{signature}=="):
            if other != token:
                assert (await code_of(issuers, [f"Bearer {other}"]))[0] == "invalid-token"


async def test_refusals_are_not_kept() -> None:
    clock = Clock()
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings()), clock) as issuers:
        early = issuer.token(issuer.claims(nbf=int(NOW) + 100))
        assert (await code_of(issuers, [f"Bearer {early}"]))[0] == "invalid-token"
        clock.passed = 50
        assert (await granted(issuers, early)).patient == "p1"


async def test_kept_checks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers_module, "MOST_KEPT", 3)
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        tokens = [issuer.token(issuer.claims(jti=str(number))) for number in range(5)]
        for token in tokens:
            await granted(issuers, token)
            await granted(issuers, tokens[0])
        kept = {entry.grant.token for entry in issuers._kept.values()}
        assert kept == {tokens[0], tokens[3], tokens[4]}


async def test_keys_that_prove_nothing_are_passed_over() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it must be refused
    shared = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "oct"}
    public = jwk_of(ec_key(), "x")
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        issuer.keys = [
            shared,
            jwk_of(short, "short"),
            jwk_of(ec_key(), "enc", use="enc"),
            jwk_of(ec_key(), "ops", key_ops=["sign"]),
            {**ECAlgorithm.to_jwk(ec_key(), as_dict=True), "key_ops": ["sign", "verify"], "kid": "private"},
            {**public, "kid": 7},
            {**public, "kid": "curve", "crv": "P-256"},
            {**public, "kid": "alg", "alg": "ES256"},
            {**public, "kid": "broken", "x": "!"},
            {**public, "kid": "none", "x": 5},
            "no key",  # type: ignore[list-item]
        ]
        for kid in ("enc", "ops", "private", "curve", "alg", "broken", "none", "7", "oct"):
            assert (await code_of(issuers, [f"Bearer {issuer.token(kid=kid)}"]))[0] == "invalid-token"
        with pytest.warns(UserWarning, match="below the minimum"):
            weak = issuer.token(key=short, algorithm="RS256", kid="short")
        assert (await code_of(issuers, [f"Bearer {weak}"]))[0] == "invalid-token"


async def test_two_keys_of_one_name_are_told_apart_by_their_algorithm() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    async with TokenIssuer.listening() as issuer, open_issuers(site(issuer.settings())) as issuers:
        issuer.keys = [jwk_of(other), jwk_of(ec_key())]
        assert await granted(issuers, issuer.token())
        assert await granted(issuers, issuer.token(key=other, algorithm="ES256", kid=KID))


async def test_an_operator_is_told_which_key_set_cannot_be_retrieved() -> None:
    async with TokenIssuer.listening() as one, TokenIssuer.listening() as two:
        settings = site(one.settings(), two.settings(id="two"))
        async with open_issuers(settings) as issuers:
            assert await issuers.faults() == []
        two.keys = []
        async with open_issuers(settings) as issuers:
            assert await issuers.faults() == ["issuer two: its key set holds no key that can verify a signature"]
    async with open_issuers(settings) as issuers:
        assert await issuers.faults() == [
            "issuer as: its key set cannot be retrieved: the connection fails",
            "issuer two: its key set cannot be retrieved: the connection fails",
        ]
