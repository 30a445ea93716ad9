"""What ID tokens say, and how they are made."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "ID tokens",
        """
ID-1 | OpenID Connect Core §2, Back-Channel Logout §2.1 | MUST | who signed in, for whom, until when, with the nonce of the request, the moment of the sign-in and the session
ID-2 | OpenID Connect Core §2, §3.1.3.7 | MUST | the registered algorithm signs, RS256 where none is; never `none`, and no MAC
ID-3 | OpenID Connect Core §3.1.3.6, §3.3.2.11 | MUST | `at_hash`, `c_hash` and `s_hash` are the left half of the hash in the algorithm
ID-4 | OpenID Connect Core §3.1.3.6, §3.3.2.11 | MUST | it vouches for the access token and the code that it comes with
ID-5 | OpenID Connect Core §2 | MUST NOT | no API takes it for an access token
ID-6 | OpenID Connect Core §10.2 | MUST | signed, then encrypted for the application's key
ID-7 | OpenID Connect Core §8.1 | MUST | a pairwise subject is one for each sector, leads nowhere else, and never changes
ID-8 | OpenID Connect Core §5.4 | SHOULD NOT | it says no more of the person than was asked for by name
""",
    ),
)
