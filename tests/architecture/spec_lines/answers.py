"""How answers travel: headers, media types, caches."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Headers and media types",
        """
HD-1 | RFC 6749 §5.1, RFC 9111 | MUST | what an endpoint of the protocol or a page that asks answers is not stored
HD-2 | RFC 9111 | recommended | metadata and keys are for every cache, without a cookie and for whoever asks alike
HD-3 | RFC 9700 §4.2.4, §4.12 | SHOULD | a redirect to a client is 303, is not stored and tells nobody where it came from
HD-4 | RFC 6797, RFC 9700 §4.16 | MUST | pages cannot be framed, run no script of others, and stay on https
HD-5 | RFC 6749 §5.2 | recommended | programs are answered in JSON and browsers with pages, by the endpoint and not by what they accept
HD-6 | RFC 9110 §11.6.1, RFC 9449 §7.1 | MUST | one challenge for each scheme, its values quoted, with the algorithms for proofs
HD-7 | RFC 7517 §8.5, RFC 9101 §4, RFC 9701 §5 | MUST | each document says its own media type
""",
    ),
)
