"""The product as a target: its schema from its migrations, its rows through its models, its server as operators run it."""

import asyncio
import os
import random
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlmodel import SQLModel

from app import migrations
from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import AccessToken, Application, Authorization, GrantCode, TokenFamily, User
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.database import Database
from app.store.embedded import ConnectionTarget, ConnectionTargets
from bench.postgres import Postgres, connected
from bench.stock import CHALLENGE, Client, Kind, Stock, Volume
from bench.target import ROOT, ServerProcess, Target, free_port

_PATHS: dict[Kind, str] = {"introspect": "/oauth/introspect", "exchange": "/oauth/token", "refresh": "/oauth/token"}
_SCOPES = ["openid", "profile"]
_USERS = 1_000
_TOKENS_PER_FAMILY = 4
_AGE = timedelta(minutes=10)
_KEY_VERSION = 1
