"""Details of permissions: rich authorization requests."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Authorization details (RFC 9396)",
        """
RA-1 | RFC 9396 §2 | MUST | a list of objects, each with a type; members that all types have in common
RA-2 | RFC 9396 §5, §8 | MUST | unknown types and members, and wrong values, are refused and never ignored
RA-3 | RFC 9396 §6, §7 | MUST | a token request narrows within the grant; the answer tells what was granted
RA-4 | RFC 9396 §9 | MUST | token and introspection carry what is for their audience
RA-5 | RFC 9396 §3.1, §3.2 | MUST | scopes, resources and details of one request count together
RA-6 | RFC 9396 §12 | MUST | sizes are bounded, and what others write is shown as text
RA-7 | RFC 9396 §10 | recommended | types stand in the metadata, and an application may register its own
RA-8 | RFC 9396 §6.1 | MUST | each type says what is within what, and how people read it
""",
    ),
)
