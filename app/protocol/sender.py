"""The key behind a token: what a request proved, what a token is bound to, and the one rule that compares them.

DPoP (RFC 9449 §6) and certificates (RFC 8705 §3) bind alike; nobody else decides whether a key is the bound one.
"""

from dataclasses import dataclass, field
from datetime import datetime

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.policy import EffectivePolicy
from app.protocol.strict_algorithms import STRICT_ALGORITHMS

_STRONG = ", ".join(STRICT_ALGORITHMS)
_JKT = "jkt"
_X5T = "x5t#S256"


@dataclass(frozen=True, slots=True)
class Binding:
    """The keys that a grant, family or token is bound to: thumbprints, base64url without padding; both None: none.

    `jkt` is that of a DPoP key (RFC 7638), `x5t` that of a certificate (RFC 8705 §3.1).
    """

    jkt: str | None = None
    x5t: str | None = None

    def __bool__(self) -> bool:
        return self.jkt is not None or self.x5t is not None

    @property
    def confirmation(self) -> dict[str, str]:
        """The members of `cnf` in a token or introspection answer (RFC 7800 §3.1; AT-6, MT-1, DP-15)."""
        members = {_JKT: self.jkt, _X5T: self.x5t}
        return {name: value for name, value in members.items() if value is not None}

    @property
    def stored(self) -> str | None:
        """One column's text; the inverse of `read`."""
        return " ".join(f"{name}={value}" for name, value in self.confirmation.items()) or None


UNBOUND = Binding()


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof that was judged right and still has to be found unused (DP-6).

    `digest` names it among all proofs of all keys; `at` is the hour of its `iat`.
    """

    at: datetime
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request proved of its sender, besides who the client is: the key of a proof, a certificate.

    `weak`: the proof is signed in a way that FAPI 2.0 does not accept.
    """

    jkt: str | None = None
    x5t: str | None = None
    proof: Proof | None = None
    weak: bool = False


NOBODY = Sender()


def read(stored: str | None) -> Binding:
    """Return the binding that a column holds."""
    if stored is None:
        return UNBOUND
    members = dict(part.split("=", 1) for part in stored.split(" "))
    return Binding(jkt=members.get(_JKT), x5t=members.get(_X5T))


def is_bound_key(binding: Binding, sender: Sender) -> bool:
    """Tell whether the sender holds every key that is bound; what is not bound asks for none (DP-14, MT-1)."""
    return binding.jkt in (None, sender.jkt) and binding.x5t in (None, sender.x5t)


def carried_on(bound: Binding, binding: Binding) -> Binding:
    """Return the binding of what follows from something bound, whose keys were proved: they stay (TX-7)."""
    return Binding(jkt=bound.jkt or binding.jkt, x5t=bound.x5t or binding.x5t)


def bind(sender: Sender, policy: EffectivePolicy) -> Binding:
    """Return what the access token of a request is bound to; raises when its application demands more than was proved.

    A proof binds whoever sends one (DP-7, DP-8); a certificate only where its application is registered for that,
    since it may have been shown to authenticate alone (MT-2, MT-4).
    """
    if policy.dpop_bound and sender.jkt is None:
        raise OAuthError(
            ErrorCode.INVALID_DPOP_PROOF, "tokens of this application are bound to a key; send a DPoP proof"
        )
    if policy.fapi and sender.weak:  # F-22
        raise OAuthError(
            ErrorCode.INVALID_DPOP_PROOF, f"proofs of this application must be signed with one of {_STRONG}"
        )
    if policy.tls_bound and sender.x5t is None:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "tokens of this application are bound to a certificate; show it to the server"
        )
    return Binding(jkt=sender.jkt, x5t=sender.x5t if policy.tls_bound else None)
