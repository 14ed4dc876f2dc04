"""Why a connection over TLS was refused, where a certificate is why: trying again would not help."""

import ssl

_SERVERS = {
    9: "is not valid yet; compare the clocks",
    10: "has expired; whoever runs it must renew it",
    18: "is signed by itself and not trusted here; check tls.ca_file",
    19: "is from an authority that is not trusted here; check tls.ca_file",
    20: "is from an authority that is not trusted here; check tls.ca_file",
    21: "is from an authority that is not trusted here; check tls.ca_file",
    62: "is for another host; check base_url",
    64: "is for another host; check base_url",
}
"""What OpenSSL's verify codes mean to an operator."""
_OURS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED")


def certificate_fault(error: BaseException) -> str | None:
    """What is wrong with whose certificate, in words that hold nothing of either; None where it is something else."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = _SERVERS.get(cause.verify_code, "is not accepted here")
            return f"its certificate, or its authority's, {why}"
        reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
        if "ALERT" in reason and any(word in reason for word in _OURS):
            return "it does not accept our certificate, or wants one; check tls.cert_file"
        cause = cause.__cause__ or cause.__context__
    return None
