"""People who make themselves an account (Prompt Create 1.0), where the operator lets them.

What a stranger learns about others. That a username is taken has to be said, for nobody else can have it; how many can
be tried is limited by address. About email addresses nothing is told: the one that is given is nobody's name to sign in
with before it has been checked, so it need not be the only one, and whoever gives somebody else's address neither finds
out whether he has an account nor takes his place. Every try computes one hash, whatever comes of it.
"""

from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.configuration import RegistrationLimits
from app.protocol.errors import seconds_until
from app.protocol.events import Event
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services import limits, names, sessions
from app.services.login import PASSWORD_AMR, SignedIn, SlowedDown
from app.services.newcomers import NAME_TAKEN, Newcomer, Problem
from app.services.occasion import Occasion
from app.services.passwords import PasswordQueue
from app.store import audit, interactions, users
from app.store.database import Database
from app.store.users import NameTaken, NewUser


@dataclass(frozen=True, slots=True)
class SignUpService:
    """What signing up works with. `key` hides addresses in the table of counters."""

    database: Database
    passwords: PasswordQueue
    lifetimes: Lifetimes
    key: bytes = field(repr=False)
    limits: RegistrationLimits = field(default_factory=RegistrationLimits)


async def sign_up(
    service: SignUpService,
    chosen: Newcomer,
    occasion: Occasion,
    *,
    held: tuple[Credential, ...] = (),
    interaction_id: UUID | None = None,
) -> SignedIn | Problem | SlowedDown:
    """Make an account and sign its person in, in one transaction; `chosen` has passed `newcomers.problems_of`.

    `held` are the sessions of the browser so far, the present one first; `interaction_id` is the authorization request
    that waits. Raises `PasswordQueueFull` before anything is counted.
    """
    now = occasion.now
    async with service.passwords.place() as place:
        waits_until = await limits.admit_registration(
            service.database, service.key, occasion.address, now, service.limits
        )
        if waits_until is not None:
            return SlowedDown(seconds_until(waits_until, now))
        password_hash = await place.hash(chosen.password)
    user = NewUser(
        id=new_id(now),
        username=chosen.username,
        username_key=names.name_key(chosen.username),
        email=chosen.email,
        email_key=None,
        password_hash=password_hash,
        created_at=now,
    )
    begun = sessions.begin(user.id, 0, PASSWORD_AMR, occasion, service.lifetimes)
    try:
        async with service.database.transaction() as transaction:
            await users.insert_user(transaction, user)
            others = await sessions.settle_in(transaction, begun, held, occasion)
            if interaction_id is not None:
                await interactions.mark_login(transaction, interaction_id, begun.row.id, now)
            after = {"username": user.username, "email": user.email, "operator": False}
            made = occasion.entry(
                Event.USER_CREATED, user_id=user.id, subject_id=str(user.id), after=after, by="signing up"
            )
            entered = occasion.entry(
                Event.LOGIN_SUCCEEDED, user_id=user.id, subject_id=str(begun.row.id), amr=PASSWORD_AMR[0]
            )
            await audit.record_all(transaction, [(made, None), (entered, None)])
    except NameTaken:
        return Problem("username", NAME_TAKEN)
    return SignedIn(user.id, begun.credential, others or ())
