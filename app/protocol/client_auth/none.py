"""`none`: a public client only says its client_id (RFC 6749 §2.1, §3.2.1; T-5, MC-1, BB-2)."""

from app.protocol.params import Parameters

NAME = "none"


def find(authorization: str | None, params: Parameters) -> tuple[str, str] | None:
    """Return (client_id, "") when the body names a client."""
    client_id = params.get("client_id")
    return None if client_id is None else (client_id, "")
