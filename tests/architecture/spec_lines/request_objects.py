"""Request objects: by value, pushed, and by reference."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Request objects",
        """
RO-1 | OpenID Connect Core §6, RFC 9101 §5 | MUST NOT | `request` and `request_uri` do not come together
RO-2 | OpenID Connect Core §3.1.2.6 | MUST | what is switched off is `request_not_supported` or `request_uri_not_supported`
RO-3 | RFC 9101 §6.3, OpenID Connect Core §6.1 | MUST | an object of RFC 9101 is the whole request; one of OpenID Connect has the last word, and response type, client and `openid` stand beside it and match
RO-4 | RFC 9101 §6.2, OpenID Connect Core §6.3.2 | MUST | it is signed with a registered key and the registered algorithm, and never unsigned; else `invalid_request_object`
RO-5 | RFC 9101 §4, OpenID Connect Core §6.1 | SHOULD | it is by its client and for this server, and refused when it says otherwise
RO-6 | RFC 9101 §4, OpenID Connect Core §6.1 | MUST NOT | no object holds another, or the address of one
RO-7 | RFC 9101 §10.8 | recommended | one whose `sub` is the client could be a client assertion, and is refused
RO-8 | RFC 9101 §9.4.1 | MUST | its `typ`, where it has one, is `oauth-authz-req+jwt`
RO-9 | OpenID Connect Core §6.2, RFC 9101 §5.2 | MUST | an object elsewhere is fetched from a registered https address alone, within limits; else `invalid_request_uri`
RO-10 | RFC 9101 §10.5 | MUST | where signatures are demanded a request without one is `invalid_request`
RO-11 | RFC 9101 §4, RFC 9396 §3 | MUST | its claims keep their JSON types
""",
    ),
)
