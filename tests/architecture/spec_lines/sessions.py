"""Browser sessions, their cookies, and the forms of pages."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Sessions and forms",
        """
SE-1 | ASVS 3.3.1-3.3.4 | MUST | cookies are `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, of this host alone
SE-2 | ASVS 7.2.1-7.2.4, 7.4.1 | MUST | a session is 256 random bits, kept on the server, another one after each sign-in, and over when the person signs out
SE-3 | ASVS 7.3.1-7.3.2, NIST SP 800-63B-4 §2.1.3 | SHALL | it ends after a time without use, and after a time at all
SE-4 | ASVS 7.4.2, 7.4.5, 7.5.2 | MUST | a person sees his sessions and ends them, having shown again that it is he; so does an operator, and disabling somebody ends all of his
SE-5 | ASVS 7.5.1 | MUST | nobody changes how he is reached, or his factors, without signing in again | later: with pages on which people change these
SE-6 | RFC 6749 §10.12, ASVS 3.5.1 | MUST | a form has the token of its browser, also before anybody has signed in, and comes from our own origin
SE-7 | RFC 6749 §10.12 | MUST | a request that waits for a person is kept on the server, for one browser, each tab its own
SE-8 | OpenID Connect Back-Channel Logout §2.1 | MUST | `sid` is one for each session and application, stays when the person signs in again, and opens nothing
SE-9 | ASVS 7.6.2 | MUST | a session begins by what a person does, and by no link
SE-10 | RFC 9700 §4.16, ASVS 3.4.6 | MUST | no page may be framed
SE-11 | RFC 9700 §4.11 | MUST NOT | no parameter says where a page leads to
""",
    ),
)
