"""Logout tokens for notices of the outbox: each attempt at delivery has one of its own (LB-2)."""

from datetime import datetime
from functools import partial

from app.crypto.secrets import new_id
from app.pipeline.encryption import encrypted
from app.pipeline.server import Server
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.sid import sid_of
from app.protocol.tokens import logout_token
from app.protocol.tokens.logout_token import LogoutContent
from app.store.logout_deliveries import Claimed


async def logout_token_for(server: Server, notice: Claimed, now: datetime) -> str:
    """Return a new logout token, signed and, where the application's ID tokens are, encrypted (LB-2, §2.4).

    It names the person as the application knows him, and the session whenever one is over and not all (LB-3). Raises
    OAuthError while it cannot be made.
    """
    content = LogoutContent(
        issuer=server.issuer,
        client_id=notice.client_id,
        subject=notice.subject,
        id=new_id(now),
        issued_at=now,
        sid=sid_of(notice.sid, notice.client_id) if notice.sid else "",
    )
    text = logout_token.write(content, notice.openid.id_token_alg, partial(server.keyring.sign, now))
    if notice.openid.id_token_encryption is None:
        return text
    client = await server.database.hot.gather_client(notice.client_id)
    if client is None:
        raise OAuthError(ErrorCode.INVALID_CLIENT, "is switched off, and the token has to be encrypted for it")
    return await encrypted(server, client, text, *notice.openid.id_token_encryption, "the logout token")
