"""The application that every statement with a caller begins with, as a fact: as `hot_rows` reads what comes after."""

from base64 import b64decode
from datetime import timedelta
from functools import lru_cache
from typing import Any

import asyncpg
import orjson

from app.protocol import introductions, openid_settings, request_settings, unmet
from app.protocol.client_keys import NONE, KeyMaterial
from app.protocol.facts import ClientFact
from app.protocol.introductions import Introduction
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.policy import ApplicationPolicy
from app.protocol.request_settings import RequestSettings

CLIENT_WIDTH = 22


def client(row: asyncpg.Record) -> ClientFact | None:
    """Read the application that every statement with a caller begins with."""
    if row[0] is None:
        return None
    return ClientFact(
        id=row[0],
        client_id=row[1],
        name=row[2],
        version=row[3],
        epoch=row[4],
        auth_method=row[5],
        secret_digests=tuple(row[6]),
        redirect_uris=tuple(row[7]),
        grant_types=frozenset(row[8]),
        response_types=frozenset(row[9]),
        scopes=None if row[10] is None else frozenset(row[10]),
        optional_scopes=frozenset(row[11]),
        policy=policy(row[12]),
        owner_name=row[13],
        client_uri=row[14],
        self_registered=row[15],
        verified=row[16],
        unmet=unmet.unmet_here(row[17]),
        key_material=key_material(row[18]),
        openid=openid(row[19]),
        requests=requests(row[20]),
        introduction=introduction(row[21]),
    )


@lru_cache(maxsize=1024)
def policy(text: str) -> ApplicationPolicy:
    """Read the policy column; lifetimes are stored in seconds."""
    return policy_of(orjson.loads(text))


def policy_of(stored: dict[str, Any]) -> ApplicationPolicy:
    """Return the policy of its stored form: the members that were given, lifetimes in seconds."""
    return ApplicationPolicy(
        access_token=_seconds(stored.get("access_token")),
        refresh_token_idle=_seconds(stored.get("refresh_token_idle")),
        refresh_token_absolute=_seconds(stored.get("refresh_token_absolute")),
        rotate_refresh_tokens=stored.get("rotate_refresh_tokens", True),
        require_pkce=stored.get("require_pkce", True),
        allow_implicit=stored.get("allow_implicit", False),
        dpop_bound=stored.get("dpop_bound", False),
        tls_bound=stored.get("tls_bound", False),
        strict_assertions=stored.get("strict_assertions", False),
        fapi=stored.get("fapi", False),
        signs_messages=stored.get("signs_messages", False),
    )


@lru_cache(maxsize=1024)
def key_material(text: str) -> KeyMaterial:
    """Read the column of that name: the members that were given, sealed secrets in base64."""
    stored = orjson.loads(text)
    if not stored:
        return NONE
    subject = stored.get("tls_subject")
    return KeyMaterial(
        jwks=tuple(stored.get("jwks", ())),
        jwks_uri=stored.get("jwks_uri", ""),
        signing_alg=stored.get("signing_alg", ""),
        sealed_secrets=tuple(map(b64decode, stored.get("sealed_secrets", ()))),
        tls_subject=None if subject is None else (subject[0], subject[1]),
        introspection_signing_alg=stored.get("introspection_signing_alg", ""),
        introspection_encryption_alg=stored.get("introspection_encryption_alg", ""),
        introspection_encryption_enc=stored.get("introspection_encryption_enc", ""),
    )


@lru_cache(maxsize=1024)
def openid(text: str) -> OpenIdSettings:
    """Read the column of that name: the members that were given."""
    return openid_settings.read(orjson.loads(text))


@lru_cache(maxsize=1024)
def requests(text: str) -> RequestSettings:
    """Read the column of that name: the members that were given."""
    return request_settings.read(orjson.loads(text))


@lru_cache(maxsize=1024)
def introduction(text: str) -> Introduction:
    """Read the column of that name: the members that are there."""
    return introductions.read(orjson.loads(text))


def _seconds(stored: float | None) -> timedelta | None:
    return None if stored is None else timedelta(seconds=stored)
