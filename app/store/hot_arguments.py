"""Orders as the parameters of the statements that carry them out, in their order."""

import orjson

from app.protocol import granted_details
from app.protocol.facts import Authentication
from app.protocol.grant_management import GrantTarget
from app.store.orders import AuditEntry, CodeSettlement, NewCode, NewFrontToken, NewToken

AUDIT_WIDTH = 11
"""How many parameters an audit row has."""


def json(value: object) -> str:
    """Return a value as the text of a jsonb parameter."""
    return orjson.dumps(value).decode("utf-8")


def maybe_json(value: object) -> str | None:
    """Return a value as the text of a jsonb parameter that may be null."""
    return None if value is None else json(value)


def authentication(how: Authentication) -> tuple[object, ...]:
    """Return how the person signed in: auth_time, acr, amr, sid."""
    return how.auth_time, how.acr, how.amr, how.sid


def code(code: NewCode) -> tuple[object, ...]:
    """Return what a code says: seventeen parameters."""
    asked = (code.redirect_uri, code.code_challenge, code.nonce)
    rest = (code.offline, code.expires_at, code.binding.stored, code.claims.stored)
    asked_of_grant = (granted_details.stored(code.details), code.grant_action)
    return (
        code.id,
        code.digest,
        code.scopes,
        code.resources,
        *authentication(code.authentication),
        *asked,
        *rest,
        *asked_of_grant,
    )


def front_token(token: NewFrontToken) -> tuple[object, ...]:
    """Return what a token through the browser says, and its family: twelve parameters."""
    family = (token.family_id, token.key_version)
    carried = (token.scopes, token.resources, token.expires_at)
    return token.id, token.digest, *family, *carried, *authentication(token.authentication), token.claims.stored


def token(token: NewToken) -> tuple[object, ...]:
    """Return what a token says: id, digest, scopes, resources, end, key, details."""
    origin = token.origin
    said = (origin.scopes, origin.resources, token.expires_at, token.binding.stored)
    return token.id, token.digest, *said, granted_details.stored(origin.details)


def target(target: GrantTarget | None) -> tuple[object, ...]:
    """Return what a grant asks of Grant Management: action and record, two parameters."""
    return (None, None) if target is None else (target.action, target.record_id)


def paid_audit(entry: AuditEntry) -> tuple[object, ...]:
    """Return the audit row of a payment: eight parameters; the rest comes from what is paid with."""
    return (
        entry.id,
        entry.event,
        entry.request_id,
        entry.actor_kind,
        entry.actor_id,
        entry.subject_id,
        entry.address,
        json(entry.data),
    )


def audit(entry: AuditEntry) -> tuple[object, ...]:
    """Return an audit row: eleven parameters."""
    return (
        entry.id,
        entry.at,
        entry.event,
        entry.request_id,
        entry.actor_kind,
        entry.actor_id,
        entry.user_id,
        entry.application_id,
        entry.subject_id,
        entry.address,
        json(entry.data),
    )


def redemption(order: CodeSettlement) -> tuple[object, ...]:
    """Return the order that consumes a grant and begins its family: 28 parameters."""
    return (
        order.grant_id,
        order.now,
        order.family_id,
        order.family_digest,
        order.key_version,
        order.idle_expires_at,
        order.family_expires_at,
        order.family_origin.scopes,
        order.family_origin.resources,
        order.token.origin.application_id,
        order.application_version,
        *token(order.token),
        *paid_audit(order.audit),
        order.family_binding.stored,
        granted_details.stored(order.family_origin.details),
    )
