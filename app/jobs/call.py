"""Every worker calls: people hear that they are asked, and clients that somebody has decided (CIBA §10.2; CB-8).

One loop writes down what has come of the last calls, claims what is due, and starts it; so calls have one connection to
the database between them, and what they do at once is bounded. In test set-ups it also decides in the place of people
whom the operator has named.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.crypto.secrets import random_bytes
from app.jobs.attempts import LOOK_EVERY, Attempts
from app.outbound.client import Failed, Refused
from app.pipeline import audit, backchannel
from app.pipeline.server import Server
from app.protocol import ciba_calls
from app.protocol.ciba_calls import CALLEES, Asked, Callee, Decision, Done, Verdict
from app.protocol.errors import OAuthError
from app.protocol.events import Event
from app.protocol.fetching import Answer
from app.protocol.telling import Again, Silence
from app.store.hot_backchannel import Call, CallReport
from app.store.orders import Actor, AuditEntry, audit_entry
from app.telemetry.metrics import REQUESTS

AT_ONCE = 8
"""Calls to people, and as many to clients, that a worker makes at the same time: neither wait for the others, should
those not answer."""

ABREAST = 4
"""Calls to one client that a worker makes at the same time: those of others do not wait until it answers."""

LONGEST_CLAIM = timedelta(seconds=30)
"""How long a worker may take for what it claims. A living one is done far sooner."""

_CALLER = Actor("server", "call")
_DECIDER = audit.Actor("server", "call", "", "")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who decides in the place of a person. Nobody has signed in: the tokens say that it was now, and not how."""

    user_id: UUID
    user_epoch: int
    auth_time: datetime
    amr: tuple[str, ...] = ()


@dataclass(slots=True)
class Calls:
    """The calls of one worker."""

    server: Server
    _attempts: Attempts[tuple[Callee, UUID], CallReport] = field(init=False)

    def __post_init__(self) -> None:
        backchannels = self.server.database.backchannel
        self._attempts = Attempts("call", backchannels.calls, self._begin, backchannels.record_calls)

    async def run(self, *, look_every: float = LOOK_EVERY) -> None:
        """Call until cancelled; then wait a moment for what is under way, and write down what came of it."""
        await self._attempts.run(look_every)

    async def _begin(self) -> None:
        now = self.server.clock()
        for whom in CALLEES:
            under_way = Counter(asking for called, asking in self._attempts.receivers if called == whom)
            if places := AT_ONCE - under_way.total():
                for call in await self._claim(whom, places, under_way, now):
                    self._attempts.start(self._make(call), (whom, call.application_id))

    async def _claim(self, whom: Callee, most: int, under_way: Counter[UUID], now: datetime) -> tuple[Call, ...]:
        claim, until = self.server.database.backchannel.claim_calls, now + LONGEST_CLAIM
        if whom == "person":  # the operator's own service is the only one that is called
            return await claim(now, until, most, whom)
        left = {application: ABREAST - count for application, count in under_way.items()}
        return await claim(now, until, most, whom, abreast=ABREAST, places=left)

    async def _make(self, call: Call) -> None:
        """Make one call, and report what came of it."""
        verdict = await self._verdict(call)
        again_at = verdict.at if isinstance(verdict, Again) else None
        self._attempts.reports.append(CallReport(call, again_at, self._failure(call, verdict)))
        outcome = "failed" if isinstance(verdict, Again) else verdict.outcome
        REQUESTS.call(call.whom, outcome)
        tell = _log.info if outcome in ("told", "decided", "nobody") else _log.warning
        told = {"attempt": call.attempts + 1, "outcome": outcome, "problem": verdict.problem}
        tell("call", whom=call.whom, client_id=call.client_id, **told)

    async def _verdict(self, call: Call) -> Verdict:
        now = self.server.clock()
        if now >= call.expires_at:
            return Done("gave_up", "nobody called in time")
        if not call.client_id:
            return Done("refused", "the application is not active any more")
        if call.whom == "person":
            if not call.username:
                return Done("refused", "the person is not active any more")
            if (decision := self.server.calls.decision_for(call.username)) is not None:
                return await self._decide(call, decision)
            if not self.server.calls.url:
                return Done("nobody")
        heard = await self._tell(call)
        chance = int.from_bytes(random_bytes(2)) / 0x10000
        attempt, now = call.attempts + 1, self.server.clock()
        return ciba_calls.judge(heard, attempt=attempt, now=now, expires_at=call.expires_at, chance=chance)

    async def _decide(self, call: Call, decision: Decision) -> Verdict:
        """Decide in the place of a person whose requests decide themselves; whoever is faster counts."""
        server, now = self.server, self.server.clock()
        question = await server.database.backchannel.gather_question(call.id, call.user_id)
        try:
            waiting = None if question is None else await backchannel.judged(server, question, now)
        except OAuthError as refused:
            return Done("refused", refused.description)
        if waiting is None:
            return Done("refused", "it waits no longer")
        nobody = StandIn(call.user_id, waiting.asked.user_epoch, now)
        if decision == "deny":
            await backchannel.deny(server, waiting, nobody, _DECIDER, now)
        else:
            await backchannel.approve(server, waiting, waiting.wanted.scopes, nobody, "", _DECIDER, now)
        return Done("decided")

    async def _tell(self, call: Call) -> Answer | Silence:
        """Tell the operator's service, or the client at what it has registered by now."""
        try:
            if call.whom == "person":
                rules = self.server.calls
                return await self.server.outbound.tell(rules.url, self._asked(call).members, token=rules.secret)
            if not call.requests.ciba_endpoint:
                return Silence("the application has no backchannel_client_notification_endpoint any more", final=True)
            known = backchannel.notification_of(self.server, call)
            if known is None:
                return Silence("what the application is told cannot be read with the keys of this server", final=True)
            members = ciba_calls.ping(known.auth_req_id)
            return await self.server.outbound.tell(call.requests.ciba_endpoint, members, token=known.token)
        except (Failed, Refused) as unheard:
            return Silence(str(unheard), final=isinstance(unheard, Refused))

    def _asked(self, call: Call) -> Asked:
        return Asked(
            subject=call.subject,
            username=call.username,
            email=call.email,
            client_id=call.client_id,
            client_name=call.client_name,
            binding_message=call.binding_message,
            expires_at=call.expires_at,
            url=f"{self.server.issuer}{ciba_calls.PAGE}/{call.id}",
        )

    def _failure(self, call: Call, verdict: Verdict) -> AuditEntry | None:
        """Return the row for the trail of a client, or person, that nobody will tell any more."""
        if isinstance(verdict, Again) or verdict.outcome not in ("refused", "gave_up"):
            return None
        attempts = call.attempts + 1
        told = {"whom": call.whom, "outcome": verdict.outcome, "problem": verdict.problem, "attempts": attempts}
        return audit_entry(
            Event.BACKCHANNEL_REQUEST_UNTOLD,
            self.server.clock(),
            _CALLER,
            user_id=call.user_id,
            application_id=call.application_id,
            subject_id=str(call.id),
            data=told,
        )
