"""What went wrong with a service, with a look at its port where the error alone is ambiguous.

gRPC says "Socket closed" for a crash, a plaintext client and a missing client certificate alike.
"""

from __future__ import annotations

from pipelines.failures import Failure, clean, explain, failure, log_defect, place, untrusted
from pipelines.services.channels import CredentialsError, identity
from pipelines.settings.endpoint import Endpoint


async def diagnose(error: BaseException, service: str, endpoint: Endpoint | None, seconds: float = 2.0) -> Failure:
    """Like :func:`explain`, with a look at the port (at most ``seconds``) where the error alone is ambiguous."""
    guess = explain(error, service, endpoint)
    log_defect(guess, error)
    if endpoint is None or guess.kind not in ("lost", "busy", "silent", "untrusted"):
        return guess
    if endpoint.proxy(rpc=True) or endpoint.proxy(rpc=False):  # a look that goes past the proxy sees something else
        return guess
    where = place(service, endpoint)
    try:
        shown = await identity(endpoint, seconds)
    except CredentialsError as problem:
        return explain(problem, service, endpoint)
    except (OSError, ValueError) as problem:  # ValueError: a certificate that cannot be parsed
        found = explain(problem, service, endpoint)
        telling = ("down", "name", "plaintext") if endpoint.tls.enabled else ("down", "name")
        return found if found.kind in telling else guess
    if not endpoint.tls.enabled:
        line = f"{where} wants TLS, and the settings say plaintext."
        return failure(service, "encrypted", line, "Set tls.enabled to true and tls.ca to its authority.")
    if not shown.trusted:
        return untrusted(shown.reason, service, where, f" It was issued by “{clean(shown.issuer)}”.")
    if guess.kind == "lost" and "failed to connect" in str(error):  # and not: in the middle of a call
        if endpoint.tls.cert is None:
            line = f"{where} closes the connection although its certificate is good; it may want ours (mutual TLS)."
            return failure(service, "identity", line, "Set tls.cert and tls.key, or look into the service's log.")
        line = f"{where} closes the connection although its certificate is good; it may not accept ours."
        return failure(service, "identity", line, "Check that its authority signed tls.cert, or look into its log.")
    return guess
