"""What became of each acceptance line of the original system, and of each of its bugs; the tests prove it by marks.

`python -m tests.architecture.acceptance` writes `docs/original-behaviour.md` anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.architecture import marks

DOCUMENT = Path(__file__).parents[2] / "docs" / "original-behaviour.md"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, what it says, and whether it is kept, changed (and why), or comes later."""

    name: str
    says: str
    status: str


def _lines(text: str) -> tuple[Line, ...]:
    rows = (row.split(" | ") for row in text.strip().splitlines())
    return tuple(Line(*(cell.strip() for cell in row)) for row in rows)


BEHAVIOUR = _lines(
    """
A01 | no `response_type` goes back to the application as an error | changed because RFC 6749 §4.1.2.1: a missing parameter is `invalid_request`
A02 | an unknown `response_type` goes back as `unsupported_response_type` | kept
A03 | no `client_id` is an error page | changed because BUG 26: status 400
A04 | an unknown scope goes back as `invalid_scope` | kept
A05 | a foreign `redirect_uri` is an error page | changed because BUG 26: status 400
A06 | a minimal request is asked; approved, it is one code and one consent, both without scopes | changed because BUG 22 and RFC 9207: with PKCE, and the answer has `iss` beside `code`
A07 | denied, it is `access_denied` and leaves nothing | kept
A08 | the code carries the scopes of its request, the answer its `state` | kept
A09 | what was allowed before is not asked again | kept
A10 | `force_prompt` asks again | kept
A11 | a second consent is merged into the first | changed because architecture §1: the order is that in which the scopes were granted
A12 | implicit: no `response_type` | changed because RFC 6749 §4.2.2.1: a missing parameter is `invalid_request`
A13 | implicit: an unknown `response_type` | kept
A14 | implicit: no `client_id` is an error page | changed because BUG 26: status 400
A15 | implicit: an unknown scope goes back in the fragment | kept
A16 | implicit: approved, it is one token in the fragment, without code and refresh token | changed because BUG 21: only where the operator switched it on, for this application
A17 | implicit: denied, the fragment says `access_denied` and there is no token | kept
T01 | GET is 405 | kept
T02 | a POST with nothing | changed because BUG 25: `invalid_request`
T03 | an unknown grant type | kept
T04 | a code without `client_id` | changed because BUG 25: status 401
T05 | a code of an unknown client | changed because BUG 25: status 401
T06 | a code without secret | changed because BUG 25: status 401
T07 | a code with a wrong secret | changed because BUG 25: status 401
T08 | no code | changed because RFC 6749 §5.2: a missing parameter is `invalid_request`
T09 | an unknown code | kept
T10 | a right exchange answers the pair, its end and its scopes | changed because BUG 28: without the person’s data
T11 | a refresh without `client_id` | changed because BUG 25: status 401
T12 | a refresh of an unknown client | changed because BUG 25: status 401
T13 | a refresh without secret | changed because BUG 25: status 401
T14 | a refresh with a wrong secret | changed because BUG 25: status 401
T15 | no refresh token | kept
T16 | an unknown refresh token | kept
T17 | a refresh works after the access token has ended, with the same scopes and a new pair | changed because BUG 23: in a family, with a grace for lost answers
R01 | two personal tokens are listed | kept
R02 | a personal token needs scopes | kept
R03 | a personal token with exactly the scopes asked for | changed because BUG 30: it has a name, and ends after 90 days unless told otherwise
R04 | a personal token is deleted | changed because BUG 29: by its id
R05 | everybody sees his own consents only | kept
R06 | deleting a consent ends the tokens that came from it | changed because BUG 11: outstanding codes end too, and the row stays as history
R07 | the own applications are listed by name | kept
R08 | an application is made and owned by its maker | kept
R09 | an application is read by its `client_id` | kept
R10 | an application gets another name | changed because RFC 5789 §2: a partial change is PATCH
R11 | a deleted application waits for its deletion | kept
M01 | when a token has expired | kept
M02 | a mask without a list | kept
M03 | a list hides the mask | kept
M04 | a list alone | kept
M05 | redirect URIs that are accepted | changed because BUG 7: character by character, loopback ports excepted
M06 | redirect URIs that are refused | kept
M07 | the default redirect URI | changed because BUG 8: only when exactly one is registered
M08 | the job deletes an application with all that it holds | changed because architecture §5: a tombstone stays, so that its id is never given out again
M09 | all tokens of an application end at once | changed because architecture §5: one row is updated, none is deleted
M10 | tokens that are made later live | changed because architecture §1: the epoch tells them apart, not a time
P01 | organization: who is no member sees nothing | kept
P02 | organization: an operator sees it | kept
P03 | organization: a member reads and does not write | kept
P04 | organization: its key with `org:read` reads | kept
P05 | organization: the key of another organization does not | kept
P06 | organization: a key without scopes does not | kept
P07 | organization: a key with `team:read` does not | kept
P08 | organization: a key with `org:read` does not write | kept
P09 | project: who is no member sees nothing, an operator does | later
P10 | project: what a member of the team may do | later
P11 | project: a key of the same organization | later
P12 | project: a key of another organization | later
P13 | project: keys without the scopes | later
P14 | team with closed membership | later
P15 | team: keys of the same and of another organization | later
P16 | team: keys without the scopes | later
P17 | releases of an organization with a key | later
P18 | what somebody may do without membership, as owner, as member, as nobody | kept
I01 | index: anonymous | changed because architecture §6: `version` is the product’s
I02 | index: session | kept
I03 | index: API key by Basic | kept
I04 | index: Bearer token | kept
I05 | index: a key for every origin may be used from a browser | kept
K01 | only owners open the list of keys | changed because RFC 9110 §15.5.4: the others get a page that says who can give access
K02 | only owners open the settings of a key | changed because RFC 9110 §15.5.4: the others get a page that says who can give access
K03 | the keys of the organization, by label | kept
K04 | a new key is made | changed because BUG 10: it is shown once, so the answer is a page and no redirect
K05 | a key’s settings; an unknown one is 404 | kept
K06 | which origins are accepted | kept
W01 | release webhook: wrong signature | later
W02 | release webhook: right signature | later
W03 | release webhook: plug-in off | later
W04 | release webhook: no JSON | later
W05 | release webhook: a version comes in | later
L01 | one line for a set of scopes, the strongest | kept
L02 | who is signed out signs in for the application and comes back | kept
L03 | `expires_in` is a positive integer | kept
L04 | no expiry is null | kept
"""
)
"""The acceptance lines, in the order of the original's behaviour document."""

UNTESTED = _lines(
    """
N01 | replay of a used code | refused, and what it bought ends (RFC 6749 §4.1.2)
N02 | an expired code | refused
N03 | the code of another application | refused
N04 | `redirect_uri` differs or is left out at the exchange | refused when it was sent and is not sent again alike
N05 | a strong scope alone | asked and granted
N06 | double spaces and duplicates in `scope` | read as one list without repeats
N07 | a refresh with `scope` | may narrow, never widen
N08 | the old refresh token a second time | the same successor within the grace, the end of the family after it
N09 | exchange, refresh and consent at once | one outcome, nothing lost
N10 | an application that is off, at every step | like an unknown one
N11 | a user who is off | nothing is issued, nothing works
N12 | another user between page and click | refused
N13 | two tabs | each answers its own request
N14 | a form without its token | refused
N15 | an unknown decision | no decision
N16 | a code in flight when the consent is taken back | refused
N17 | an imported mask, then a new consent | nothing is lost
N18 | a token at what only a session may open | refused
N19 | a token that says more than the role | cut down to the role
N20 | an application’s token from a website | the application’s origins decide
N21 | the secret a day after the making | shown once, at the making
N22 | the secret for others than the owner | never
N23 | no redirect URI | nothing can be asked for
"""
)
"""What the original never tested."""

BUGS = _lines(
    """
BUG 1 | a code is never consumed | one statement consumes it and makes the tokens
BUG 2 | `expires_in` is negative | positive whole seconds
BUG 3 | one consent slot a session | each page has a one-time reference, bound to its browser
BUG 4 | a strong scope alone crashes the page | display sets ignore what was not asked for
BUG 5 | consents at once lose scopes | one statement merges
BUG 6 | the origin check of an application’s token crashes | the application’s origins decide
BUG 7 | redirect URIs match by prefix | character by character
BUG 8 | a blank registered line matches everything | blank lines are nothing, schemes are checked
BUG 9 | an appended list hides the mask | the import turns masks into lists
BUG 10 | secrets are kept readable | digests, shown once
BUG 11 | codes survive the end of a consent | the liveness rule stops codes, refreshes and tokens
BUG 12 | `redirect_uri` may be left out at the exchange | it must be repeated whenever it was sent
BUG 13 | expired tokens take their refresh tokens along | families have lives of their own
BUG 14 | consents show the client secret | nobody but the owner, once
BUG 15 | the form edits what nobody reads | there is one list
BUG 16 | the audit log has keys in clear | ids and last four characters
BUG 17 | deleting a key erases its history | the log points to nothing and names ids
BUG 18 | unchecked input is 500 | 400 or 404
BUG 19 | limits disagree | one limit, at the edge
BUG 20 | a personal token holds what its maker may not do | capped when it is made, cut down when it is used
BUG 21 | the implicit flow is on for everybody | off; legacy, for single applications
BUG 22 | no PKCE, no public clients | both
BUG 23 | a lost answer locks the client out | a grace with the same successor, and reuse is an alarm
BUG 24 | disabled people still get tokens | user and application are checked in the statement
BUG 25 | client errors are 400 without challenge | RFC 6749 §5.2
BUG 26 | error pages answer 200 | 400
BUG 27 | malformed response types redirect for whoever registers a client | as the RFC says, to applications of operators only
BUG 28 | any consent lets everything pass in silence, with personal data | each request is compared, and personal data needs a scope
BUG 29 | deleting a token needs the token | its id
BUG 30 | personal tokens have no name, no end, no use | all three; mail waits for its issue
BUG 31 | removing nothing looks like success | 404
BUG 32 | the order of a set gave bits their meaning | each bit is written down
BUG 33 | a cache of keys goes stale | credentials are not cached
BUG 34 | a signed-out POST is a dead end | the request is kept through the login
BUG 35 | no limits, no log of failures | limits, and reasons in the log
"""
)
"""The bugs of the original, and what is done instead."""


def proofs() -> dict[str, list[str]]:
    """Return by line the tests that carry its mark, as `path::name`."""
    return marks.proofs("original")


def render() -> str:
    """Return the document."""
    tests = proofs()
    parts = [
        "# The original system, line by line\n",
        "Assent carries on the OAuth system of 2017 that its scopes come from. These tables say what became of each line",
        "of that system’s acceptance tests, of what it never tested, and of each of its bugs, and which tests prove it.",
        "They are written by `make docs` out of the marks of the tests; a line without a proof fails `make test`.\n",
        *_table("## Acceptance lines\n", ("Line", "Says", "Here", "Proved by"), BEHAVIOUR, tests),
        *_table("## Cases without a test of its own\n", ("Case", "Is", "Here", "Proved by"), UNTESTED, tests),
        *_table("## Bugs that were not copied\n", ("Bug", "Was", "Instead", "Proved by"), BUGS, tests),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _table(title: str, heads: Sequence[str], lines: Sequence[Line], tests: dict[str, list[str]]) -> Iterator[str]:
    yield title
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for line in lines:
        proved = "<br>".join(f"`{test}`" for test in tests.get(line.name, ())) or "–"
        yield f"| {line.name} | {line.says} | {line.status} | {proved} |"
    yield ""


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
