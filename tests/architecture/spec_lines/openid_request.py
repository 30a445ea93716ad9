"""OpenID Connect requests, consent, and asking for more later."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "OpenID Connect requests",
        """
OC-1 | OpenID Connect Core §3.1.2.2 | MUST | without `openid` it is plain OAuth, and there is no ID token
OC-2 | OpenID Connect Core §3.1.2.1, Prompt Create 1.0 | SHOULD | `prompt` is a set of words; an unknown one is `invalid_request`, for the known ones are published
OC-3 | OpenID Connect Core §3.1.2.1 | MUST | `none` stands alone
OC-4 | OpenID Connect Core §3.1.2.1, §3.1.2.6 | MUST | with `none` no page is shown at all, and each page that would be has its error
OC-5 | OpenID Connect Core §3.1.2.3 | MUST | `login` means signing in again, and `auth_time` moves
OC-6 | OpenID Connect Core §3.1.2.1 | SHOULD | `consent` shows the consent page again, `select_account` the choice of the account
OC-7 | OpenID Connect Core §3.1.2.3 | recommended | what a person has done is bound to the request: he is not asked twice, and no address can claim it
OC-8 | OpenID Connect Core §3.1.2.1, Registration §2 | MUST | after `max_age` seconds people sign in again; 0 is `prompt=login`; the application may register a default
OC-9 | OpenID Connect Core §2, Registration §2 | MUST | `auth_time` is in the ID token when it is demanded
OC-10 | OpenID Connect Core §3.1.2.1, §5.5.1.1 | MUST | `acr_values` are preferences, registered or sent; the answer says what it was
OC-11 | OpenID Connect Core §5.5.1.1, Error Code unmet_authentication_requirements | SHALL | an essential `acr` that is not met is `unmet_authentication_requirements`
OC-12 | OpenID Connect Core §3.1.2.1, §3.1.2.2 | MUST | `id_token_hint` is an ID token of ours, expired or not; nobody else is answered for
OC-13 | OpenID Connect Core §5.5 | MUST | `claims` names single claims and who has to be signed in; a claim that is not there is no error
OC-14 | OpenID Connect Core §3.1.2.1 | recommended | `login_hint` fills in the form and tells nothing of anybody
OC-15 | OpenID Connect Core §15.1 | MUST | `display`, `ui_locales`, `claims_locales` and `acr_values` are never errors
OC-16 | OpenID Connect Core §15.1 | MUST | RS256, `prompt`, `max_age`, `auth_time`, `display` and languages are there for everybody
OC-17 | OpenID Connect Core §11 | MUST | `offline_access` is ignored without a code, and agreed to explicitly
OC-18 | OpenID Connect Core §4 | MAY | `initiate_login_uri` is kept for others to read
""",
    ),
    section(
        "Consent",
        """
CS-1 | OAuth 2.1 §7.9, MCP security | MUST | the page says who asks, where the answer goes, for what in plain words, and for how long
CS-2 | RFC 9396 §3.1 | MUST | scopes and authorization details are one question
CS-3 | RFC 8252 §8.6, OAuth 2.1 §7.3.1 | SHOULD | an earlier approval counts only for an application that cannot be impersonated
CS-4 | RFC 6749 §10.2 | SHOULD NOT | nothing is repeated by itself for whoever cannot prove who he is
CS-5 | MCP security | MUST | the page shows the host of the redirect URI, and warns of programs on this computer
CS-6 | OAuth 2.1 §7.9 | SHOULD | people see and take back what they allowed
CS-7 | RFC 6749 §3.3, §5.1 | MAY | a part may be granted, and the answer then says which
""",
    ),
    section(
        "Asking for more later",
        """
SU-1 | MCP authorization | recommended | a request for more shows what is new and what is there already
SU-2 | MCP authorization | recommended | `offline_access` may come along with every request
""",
    ),
)
