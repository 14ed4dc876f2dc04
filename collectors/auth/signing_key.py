"""The key that we sign with: read from PEM or JWK, and refused where SMART cannot use it.

No error message contains any part of a key.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from collectors.errors import CredentialError

LEAST_BITS = 2048
"""The shortest RSA key, in bits, that RFC 7518 allows with RS384."""

_PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey
_REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
_ALGORITHMS = {"RSA": "RS384", "EC": "ES384"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its algorithm (RS384 or ES384), and its id in the registered key set."""

    private: _PrivateKey = field(repr=False)
    algorithm: str
    kid: str

    def public_jwk(self) -> dict[str, Any]:
        """The public key, as it is registered with an authorisation server."""
        return {**_public_members(self.private), "kid": self.kid, "use": "sig", "alg": self.algorithm}


def read_key(text: str, kid: str | None = None) -> SigningKey:
    """The private key in a PEM text, a JWK, or a JWK Set that holds one (or one of this ``kid``).

    ``kid``: the id in the registered key set; without it that of the JWK, else the key's RFC 7638 thumbprint.
    Raises CredentialError, with the reason, for anything that cannot sign RS384 or ES384.
    """
    text = text.strip()
    named = None
    if text.startswith("{"):
        private, named = _read_jwk(text, kid)
    else:
        # In environment variables the lines of a PEM are often separated by a literal backslash-n.
        private = _read_pem(text.replace("\\n", "\n"))
    if isinstance(private, RSAPrivateKey):
        if private.key_size < LEAST_BITS:
            raise CredentialError(f"is an RSA key of {private.key_size} bits; at least {LEAST_BITS} are needed")
        return SigningKey(private, "RS384", kid or named or thumbprint(_public_members(private)))
    if not isinstance(private.curve, SECP384R1):
        raise CredentialError(f"is on the curve {private.curve.name}; ES384 needs P-384 (secp384r1)")
    return SigningKey(private, "ES384", kid or named or thumbprint(_public_members(private)))


def _read_pem(text: str) -> _PrivateKey:
    if "-----BEGIN" not in text:
        raise CredentialError("is neither a PEM nor a JWK")
    if "PRIVATE KEY-----" not in text:
        raise CredentialError("holds no private key (a certificate or a public key cannot sign)")
    try:
        found = load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise CredentialError("is encrypted with a passphrase; give it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialError("is a PEM that cannot be read") from None
    if not isinstance(found, RSAPrivateKey | EllipticCurvePrivateKey):
        raise CredentialError("is of a type that is not used here; RSA or EC P-384 is needed")
    return found


def _read_jwk(text: str, kid: str | None) -> tuple[_PrivateKey, str | None]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise CredentialError("begins like a JWK and is no JSON") from None
    jwk = _select_jwk(parsed["keys"], kid) if isinstance(parsed.get("keys"), list) else parsed
    if not isinstance(jwk.get("kty"), str) or jwk["kty"] not in _ALGORITHMS:
        raise CredentialError("is a JWK of a type that is not used here; RSA or EC P-384 is needed")
    if "d" not in jwk:
        raise CredentialError("is a public JWK; the private one is needed to sign")
    algorithm = _ALGORITHMS[jwk["kty"]]
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        raise CredentialError("is a JWK for another use; RS384 or ES384 signatures are needed")
    try:
        found = RSAAlgorithm.from_jwk(jwk) if jwk["kty"] == "RSA" else ECAlgorithm.from_jwk(jwk)
    except (InvalidKeyError, ValueError, KeyError, TypeError):
        raise CredentialError("is a JWK that cannot be read") from None
    if not isinstance(found, RSAPrivateKey | EllipticCurvePrivateKey):
        raise CredentialError("is a public JWK; the private one is needed to sign")
    named = jwk.get("kid")
    return found, named if isinstance(named, str) and named else None


def _select_jwk(keys: list[Any], kid: str | None) -> dict[str, Any]:
    private = [key for key in keys if isinstance(key, dict) and "d" in key]
    if kid is not None and len(private) > 1:
        private = [key for key in private if key.get("kid") == kid]
    if len(private) != 1:
        raise CredentialError("is a JWK Set with no private key, or with several and none of this kid")
    return private[0]


def _public_members(private: _PrivateKey) -> dict[str, Any]:
    """The members of the public key by RFC 7517, only those that SMART requires."""
    if isinstance(private, RSAPrivateKey):
        written: dict[str, Any] = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        written = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {name: written[name] for name in _REQUIRED_MEMBERS[written["kty"]]}


def thumbprint(members: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of a public key with only its required members."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode("ascii")
