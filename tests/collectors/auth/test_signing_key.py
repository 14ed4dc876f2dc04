"""What key is taken, and what is said of one that is not."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from collectors.auth.signing_key import read_key, thumbprint
from collectors.errors import CredentialError
from tests.support.authorisation_server import ec_key, pem, rsa_key, verified_claims


def rsa_jwk(bits: int = 2048, **more: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(rsa_key(bits), as_dict=True), **more}


def ec_jwk(**more: Any) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(ec_key(), as_dict=True), **more}


def public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    ("text", "kid", "algorithm", "expected"),
    [
        (pem(rsa_key()), "a", "RS384", "a"),
        (pem(rsa_key(), form=PrivateFormat.TraditionalOpenSSL), "a", "RS384", "a"),
        ("\n" + pem(ec_key()) + "\n", "a", "ES384", "a"),
        (pem(ec_key(), form=PrivateFormat.TraditionalOpenSSL), "a", "ES384", "a"),
        (json.dumps(rsa_jwk(kid="own")), None, "RS384", "own"),
        (json.dumps(ec_jwk(kid="own", alg="ES384", use="sig")), None, "ES384", "own"),
        (json.dumps(ec_jwk(kid="own")), "said", "ES384", "said"),
        (json.dumps({"keys": [ec_jwk(kid="own")]}), None, "ES384", "own"),
        (json.dumps({"keys": [rsa_jwk(kid="old"), ec_jwk(kid="new")]}), "new", "ES384", "new"),
    ],
)
def test_keys_that_are_taken(text: str, kid: str | None, algorithm: str, expected: str) -> None:
    key = read_key(text, kid)
    assert (key.algorithm, key.kid) == (algorithm, expected)
    signed = jwt.encode({"aud": "a", "iss": "", "sub": "", "exp": 1, "jti": ""}, key.private, algorithm=key.algorithm)
    assert verified_claims(signed, rsa_key() if algorithm == "RS384" else ec_key(), algorithm, "a")


@pytest.mark.parametrize(
    ("text", "kid", "says"),
    [
        ("", None, "neither a PEM nor a JWK"),
        ("hunter2", None, "neither a PEM nor a JWK"),
        (pem(rsa_key(1024)), None, "an RSA key of 1024 bits; at least 2048"),
        (json.dumps(rsa_jwk(1024)), None, "an RSA key of 1024 bits"),
        (pem(ec_key(ec.SECP256R1())), None, "on the curve secp256r1; ES384 needs P-384"),
        (pem(ed25519.Ed25519PrivateKey.generate()), None, "RSA or EC P-384"),
        (pem(ec_key(), b"hunter2"), None, "encrypted with a passphrase"),
        (public(rsa_key()), None, "no private key"),
        ("-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----", None, "no private key"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", None, "cannot be read"),
        ("{hunter2", None, "no JSON"),
        ("{}", None, "a JWK of a type"),
        ('{"kty": ["RSA"]}', None, "a JWK of a type"),
        ('{"kty": "oct", "k": "hunter2"}', None, "a JWK of a type"),
        ('{"kty": "RSA", "n": "hunter2", "e": "AQAB", "d": "hunter2"}', None, "cannot be read"),
        ('{"kty": "EC", "crv": "P-384", "x": 1, "y": 2, "d": "hunter2"}', None, "cannot be read"),
        (json.dumps({**ec_jwk(), "d": None}), None, "cannot be read"),
        (json.dumps({k: v for k, v in ec_jwk().items() if k != "d"}), None, "a public JWK"),
        (json.dumps(rsa_jwk(alg="RS256")), None, "for another use"),
        (json.dumps(rsa_jwk(alg="ES384")), None, "for another use"),
        (json.dumps(rsa_jwk(use="enc")), None, "for another use"),
        ('{"keys": []}', None, "no private key, or with several"),
        (json.dumps({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="b")]}), None, "with several"),
        (json.dumps({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="b")]}), "c", "with several"),
    ],
)
def test_keys_that_are_refused(text: str, kid: str | None, says: str) -> None:
    with pytest.raises(CredentialError, match=says) as caught:
        read_key(text, kid)
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__ is (
        caught.value.__context__ is not None
    )


@pytest.mark.parametrize("private", [rsa_key(), ec_key()])
def test_what_is_registered_is_the_public_half_and_verifies(private: Any) -> None:
    """SMART-22, SMART-290, SMART-294, SMART-313, SMART-314, SMART-315."""
    jwk = read_key(pem(private)).public_jwk()
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(jwk)
    bare = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}}[jwk["kty"]]
    assert set(jwk) == bare | {"kty", "kid", "use", "alg"}
    restored: Any = (RSAAlgorithm if jwk["kty"] == "RSA" else ECAlgorithm).from_jwk(jwk)
    assert restored.public_numbers() == private.public_key().public_numbers()


RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}


def test_the_thumbprint_is_that_of_the_example_in_rfc_7638() -> None:
    assert thumbprint(RFC_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("private", [rsa_key(), ec_key()])
def test_a_key_without_an_id_has_its_thumbprint_for_one(private: Any) -> None:
    jwk = read_key(pem(private)).public_jwk()
    assert jwk["kid"] == thumbprint({name: jwk[name] for name in jwk if name not in ("kid", "use", "alg")})
