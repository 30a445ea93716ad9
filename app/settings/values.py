"""What single settings must look like; each refusal is half a sentence that says what to write instead."""

import re
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr
from pydantic_core import PydanticCustomError

from app.protocol.redirect_uri import LOOPBACK_HOSTS
from app.protocol.token_format import Prefix

MIN_SECRET_LENGTH = 32

_SIGNING = ("ES256", "RS256", "PS256", "EdDSA")

_ISSUER = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._\-]+)(?::[0-9]{1,5})?")
_HOST_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._\-]+):([0-9]{1,5})")


def split_words(value: Any) -> Any:
    """Let a list be written as JSON or with commas or spaces between its words, as environment variables need."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise _refused("must be a JSON list, or words with commas between them") from None
    return [word for word in re.split(r"[\s,]+", value) if word]


def check_issuer(issuer: str) -> str:
    """G1, G7: one exact string; https, or http on a loopback host; nothing that two parties could spell differently."""
    if not _ISSUER.fullmatch(issuer):
        raise _refused("must be an absolute URL without spaces, such as https://auth.example.com")
    parts = urlsplit(issuer)
    if parts.scheme not in {"https", "http"} or not issuer.startswith(f"{parts.scheme}://"):
        raise _refused("must start with https:// in lower case (or http:// on a loopback host)")
    if "@" in parts.netloc:
        raise _refused("must not have a user name; leave out everything up to the @")
    if not (split := _HOST.fullmatch(parts.netloc)):
        raise _refused("must name a host, such as https://auth.example.com")
    if parts.netloc != parts.netloc.lower():
        raise _refused(f"must have its host in lower case: write {parts.netloc.lower()}")
    if parts.scheme == "http" and split[1] not in LOOPBACK_HOSTS:
        raise _refused("must use https; plain http is accepted only on 127.0.0.1, [::1] and localhost")
    if parts.netloc.endswith({"https": ":443", "http": ":80"}[parts.scheme]):
        raise _refused("must not spell out the default port; leave it out")
    if "?" in issuer or "#" in issuer:
        raise _refused("must not have a query or a fragment; end it with the host or path")
    if issuer.endswith("/"):
        raise _refused("must not end with a slash; leave it out")
    if "//" in parts.path or "/./" in f"{parts.path}/" or "/../" in f"{parts.path}/":
        raise _refused("must have a path without empty, . or .. segments")
    return issuer


_HOST_PATTERN = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+")


def check_host_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts as URLs have them, or `*.` and a domain: all hosts below it."""
    for pattern in patterns:
        if not _HOST_PATTERN.fullmatch(pattern):
            raise _refused(f"must list hosts such as app.example.com or *.example.com, in lower case, not {pattern}")
    return patterns


def check_database_url(url: SecretStr) -> SecretStr:
    """A libpq URL. The message names no part of it, since it carries a password."""
    scheme, separator, _ = url.get_secret_value().partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise _refused("must start with postgresql://; PostgreSQL is the only database")
    if scheme == "postgresql":
        return url
    if scheme == "postgres":
        return SecretStr(f"postgresql{url.get_secret_value().removeprefix('postgres')}")
    raise _refused("must start with plain postgresql://; leave out the driver after the +")


def check_secret_key(secret: SecretStr) -> SecretStr:
    """The root secret protects every key of the server, so it must not be one that can be guessed."""
    text = secret.get_secret_value()
    if len(text) < MIN_SECRET_LENGTH:
        raise _refused(f"must have {MIN_SECRET_LENGTH} characters or more; make one with: openssl rand -base64 48")
    if len(set(text)) < 8:
        raise _refused("repeats a few characters; make a random one with: openssl rand -base64 48")
    return secret


_SENT_AS_IS = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a Bearer header can carry (RFC 6750 §2.1); the user name of HTTP Basic takes it too, without its colon."""


def check_sent_secret(secret: SecretStr) -> SecretStr:
    """A secret that is sent in a header as it is."""
    if not _SENT_AS_IS.fullmatch(check_secret_key(secret).get_secret_value()):
        raise _refused("has characters that no header can carry; make one with: openssl rand -base64 48")
    return secret


def check_system_key(secret: SecretStr) -> SecretStr:
    """The system key is sent in a header as it is, and must not be taken for a token or key of this server."""
    text = check_sent_secret(secret).get_secret_value()
    if text.partition("_")[0] in set(Prefix):
        raise _refused("begins like a token or key of this server; make one with: openssl rand -base64 48")
    return secret


def check_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks in CIDR form; a network that is everything would let anyone choose his address."""
    for network in networks:
        try:
            parsed = ip_network(network)
        except ValueError:
            raise _refused(f"has {network[:50]!r}, which is no address or network; write it as 10.0.0.0/8") from None
        if parsed.prefixlen == 0:
            raise _refused("must not trust every address; name the networks of your proxies")
    return networks


def check_host_ports(pairs: tuple[str, ...]) -> tuple[str, ...]:
    """Exact `host:port` pairs."""
    for pair in pairs:
        if not _is_host_port(pair):
            raise _refused(f"has {pair[:80]!r}; write exact pairs such as 127.0.0.1:8001")
    return pairs


def check_host_port(pair: str) -> str:
    """One host with its port."""
    if not _is_host_port(pair):
        raise _refused("must be host:port without scheme and user name, such as egress.example.com:3128")
    return pair


def check_ca_file(path: Path) -> Path:
    """A file of certificates that can be read now, rather than at the first request that needs it."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as unreadable:  # what is wrong inside the file is an SSLError, which is one too
        raise _refused(f"({path}) cannot be used ({unreadable}); it must hold certificates in PEM form") from None
    return path


def _is_host_port(pair: str) -> bool:
    split = _HOST_PORT.fullmatch(pair)
    return split is not None and 0 < int(split[2]) < 65_536


def check_signing_algorithms(algorithms: tuple[str, ...]) -> tuple[str, ...]:
    """JW-4: what is safe to sign with; RS256 is among them, since OpenID Connect and RFC 9068 promise it to all."""
    for algorithm in algorithms:
        if algorithm not in _SIGNING:
            raise _refused(f"has {algorithm[:20]!r}; choose of {', '.join(_SIGNING)}")
    if len(set(algorithms)) < len(algorithms):
        raise _refused("names an algorithm twice; remove one of both")
    if "RS256" not in algorithms:
        raise _refused("must have RS256, which clients may rely on; put it last if you prefer another")
    return algorithms


def check_signing_algorithm(algorithm: str) -> str:
    """One algorithm to sign with; empty: the server's own choice."""
    if algorithm and algorithm not in _SIGNING:
        raise _refused(f"is {algorithm[:20]!r}; choose of {', '.join(_SIGNING)}")
    return algorithm


def _refused(rule: str) -> PydanticCustomError:
    # The text is no template: braces in what the operator wrote stay as they are.
    return PydanticCustomError("refused", "{rule}", {"rule": rule})
