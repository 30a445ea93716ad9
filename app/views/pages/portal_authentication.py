"""The part of an application's page where its owner says how it proves who it is."""

from dataclasses import dataclass

METHOD_WORDS = {
    "client_secret_basic": "Client secret in the Authorization header",
    "client_secret_post": "Client secret in the body of the request",
    "client_secret_jwt": "JWT, made with the client secret, which so never travels",
    "private_key_jwt": "JWT, signed with a private key that only the application has",
    "tls_client_auth": "Client certificate of an authority that this server trusts",
    "self_signed_tls_client_auth": "Client certificate that it made itself",
    "none": "No secret: PKCE alone",
}

SUBJECTS = {
    "tls_client_auth_subject_dn": "Subject",
    "tls_client_auth_san_dns": "DNS name",
    "tls_client_auth_san_uri": "URI",
    "tls_client_auth_san_ip": "IP address",
    "tls_client_auth_san_email": "Email address",
}


@dataclass(frozen=True, slots=True)
class Authentication:
    """How it proves who it is, as chosen and typed. `subject_kind` names what `subject` its certificate must have.

    `methods` are those to choose from: none for an application that cannot keep a secret. `algorithms` are those of
    assertions; `certificates`: clients can show some here. `unusable_secrets`: it is to make JWTs with its secret, and
    of those that it has, only digests are known.
    """

    method: str
    keys: str = ""
    keys_url: str = ""
    algorithm: str = ""
    subject_kind: str = ""
    subject: str = ""
    dpop: bool = False
    methods: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    certificates: bool = False
    unusable_secrets: bool = False

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """The methods with words for them."""
        return tuple((method, METHOD_WORDS[method]) for method in self.methods)

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """What a certificate can be known by, with words for it."""
        return tuple(SUBJECTS.items())
