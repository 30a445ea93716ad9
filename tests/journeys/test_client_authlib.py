"""Authlib's httpx client, as it comes."""

import ssl
import warnings
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tests.journeys.client_server import server as server
from tests.support.client_round import API, APPLICATIONS, CALLBACK, SCOPE, Registration, Round, check, person_at
from tests.support.server import Server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it would rather have httpx2
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client
