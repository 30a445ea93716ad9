"""Grant Management: applications that say into which record an approval goes, and look after it."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Grant Management: requests",
        """
GM-1 | Grant Management §5.1, §5.5, §9 | MUST | a grant has an id, unique, of which nothing about a person can be read; for confidential clients alone
GM-2 | Grant Management §5.2 | MUST | `create`, `merge` and `replace` are asked for where a person is asked, never at the token endpoint
GM-3 | Grant Management §5.2, §5.4 | MUST | `create` begins a grant of its own; with a `grant_id` it is `invalid_request`
GM-4 | Grant Management §5.2 | MUST | `merge` adds what is approved now, and ends the refresh tokens from before
GM-5 | Grant Management §5.2, §10 | MUST | `replace` leaves only what is approved now, and nothing to older tokens
GM-6 | Grant Management §5.4 | MUST | an id without an action, an unknown action, and one that is required and missing are `invalid_request`
GM-7 | Grant Management §5.4 | MUST | a grant that never was and one of somebody else are `invalid_grant_id`, told in one way
GM-8 | Grant Management §5.3, §5.5 | MUST | the id comes with the tokens when an action was given, and not before
GM-9 | Grant Management §5.2 | MAY | without an action the implicit record is meant, whose id nobody is told
GM-10 | Grant Management §7.1 | MUST | the metadata name the endpoint and the actions
""",
    ),
    section(
        "Grant Management: the API",
        """
GA-1 | Grant Management §6.1 to §6.3 | MUST | a grant is at the endpoint and its id, for a token of its client with the scope
GA-2 | Grant Management §6.4 | MUST | what it allows and since when, nothing about the person, kept by nobody
GA-3 | Grant Management §6.5 | MUST | DELETE ends the grant with all of its tokens, and answers 204
GA-4 | Grant Management §6.6 | MUST | 401, 403, and 404 for what is not the client's own as for what never was
GA-5 | Grant Management §6.6 | recommended | 503 says when to try again
""",
    ),
)
