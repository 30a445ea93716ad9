"""Clients that are known by a metadata document."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Client ID Metadata Documents",
        """
CI-1 | CIMD §3 | MUST | `client_id` is an https URL with a path, without fragment, user name and dot segments, compared as it is written
CI-2 | CIMD §6.9, §6.10 | MUST | what begins with `https://` and is not registered is such a client; what is registered is like any other
CI-3 | CIMD §4 | MUST | it is fetched by GET; only 200 counts, and no redirect is followed
CI-4 | CIMD §4.1, MCP | MUST | a JSON object whose `client_id` is the address, with `client_name` and `redirect_uris`
CI-5 | CIMD §4.1 | MUST | no shared secret, no method that needs one, no private key
CI-6 | CIMD §6.2 | MUST | `none`, or `private_key_jwt` on every call; without a method it is `none`
CI-7 | CIMD §4.5, §6.1 | MUST | redirect URIs are those of the document, by exact match or the loopback rule
CI-8 | CIMD §6.5 | MUST | nothing is fetched from special-use addresses; the address that was judged is the one that is connected to
CI-9 | CIMD §4.4 | MUST | five kilobytes at most, in a few seconds; errors are not kept, and repeats are limited
CI-10 | CIMD §4 | SHOULD | HTTP caching counts within bounds; a failure ends the authorization request; on refresh the last good copy counts a while
CI-11 | CIMD §6.3 | MAY | after a change of name, logo, redirect host or keys people are asked again
CI-12 | CIMD §6.4, §6.7 | SHOULD | people see the host of the `client_id`, and the logo comes from the server's own address
CI-13 | CIMD §5 | MUST | the metadata says that such clients are served
CI-14 | CIMD, MCP | MUST | a bad document ends in a page at the authorization endpoint, and in 401 `invalid_client` at the others
CI-15 | – | SHOULD | fetches are limited by whoever causes them and by whom they go to, after what can be judged without
CI-16 | CIMD §8.3 | SHOULD | a client is known by its whole address, and what nobody uses any more ages out
""",
    ),
)
