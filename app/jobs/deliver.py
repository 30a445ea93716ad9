"""Every worker delivers: notices of the outbox go to the applications whose sessions are over (LB-1, LB-4).

One loop writes down what has come of the last attempts, claims what is due, and starts it. So the deliveries of a
worker have one connection to the database between them, and what they do at once is bounded: neither a slow receiver
nor a great number of notices takes anything from those who wait for an answer of ours.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.crypto.secrets import random_bytes
from app.jobs.attempts import LOOK_EVERY, Attempts
from app.outbound.client import Failed, Refused
from app.pipeline.logout_tokens import logout_token_for
from app.pipeline.server import Server
from app.protocol.errors import OAuthError
from app.protocol.events import Event
from app.protocol.fetching import Answer
from app.protocol.logout_delivery import ABREAST, DeliveryRules, Done, Verdict, abreast, judge
from app.protocol.telling import Again, Silence
from app.store import logout_deliveries
from app.store.logout_deliveries import Claimed, Report
from app.store.orders import Actor, AuditEntry, audit_entry
from app.telemetry.metrics import REQUESTS

COUNT_EVERY = 15.0
"""Seconds between counts of what waits, for the metrics."""

_SERVER = Actor("server", "deliver")

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Deliveries:
    """The deliveries of one worker; one of the workers also `counts` what waits."""

    server: Server
    rules: DeliveryRules = field(default_factory=DeliveryRules)
    counts: bool = False
    _counted_at: float = -math.inf
    _attempts: Attempts[UUID, Report] = field(init=False)
    _failures: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._attempts = Attempts("logout", self.server.database.notices, self._begin, self._write)

    async def run(self, *, look_every: float = LOOK_EVERY) -> None:
        """Deliver until cancelled; then wait a moment for what is under way, and write down what came of it."""
        await self._attempts.run(look_every)

    async def _begin(self) -> None:
        if self.counts and time.monotonic() >= self._counted_at + COUNT_EVERY:
            self._counted_at = time.monotonic()
            REQUESTS.logout_notices_waiting = await logout_deliveries.count_waiting(self.server.database)
        for notice in await self._claim(self.rules.at_once - len(self._attempts.receivers)):
            self._attempts.start(self._deliver(notice), notice.application_id)

    async def _write(self, reports: Sequence[Report]) -> None:
        await logout_deliveries.record(self.server.database, reports, self.server.clock())

    async def _claim(self, most: int) -> tuple[Claimed, ...]:
        if not most:
            return ()
        places, failing = self._places(), self._failures.keys()
        database, now = self.server.database, self.server.clock()
        return await logout_deliveries.claim(database, now, most=most, abreast=ABREAST, places=places, failing=failing)

    def _places(self) -> dict[UUID, int]:
        """Return how many places each application has left that has some under way, or does not answer."""
        left = {application: abreast(count) for application, count in self._failures.items()}
        for application in self._attempts.receivers:
            left[application] = max(0, left.get(application, ABREAST) - 1)
        return left

    async def _deliver(self, notice: Claimed) -> None:
        """Make one attempt, and report what came of it."""
        heard = await self._send(notice)
        now, attempt = self.server.clock(), notice.attempts + 1
        chance = int.from_bytes(random_bytes(2)) / 0x10000
        expires_at, longest = notice.expires_at, self.rules.longest_delay
        verdict = judge(heard, attempt=attempt, now=now, expires_at=expires_at, chance=chance, longest=longest)
        if isinstance(verdict, Again):
            self._failures[notice.application_id] = self._failures.get(notice.application_id, 0) + 1
        else:
            self._failures.pop(notice.application_id, None)
        self._attempts.reports.append(Report(notice, verdict, self._failure(notice, verdict, attempt)))
        REQUESTS.logout_notice("failed" if isinstance(verdict, Again) else verdict.outcome)
        tell = _log.info if verdict == Done("delivered") else _log.warning
        tell("logout.notice", client_id=notice.client_id, attempt=attempt, **_told(verdict))

    async def _send(self, notice: Claimed) -> Answer | Silence:
        """Send the notice; what is registered counts as it is now, not as it was when the session ended."""
        uri = notice.openid.backchannel_logout_uri
        if not notice.client_id or not uri:
            missing = "has no backchannel_logout_uri any more" if notice.client_id else "has been deleted"
            return Silence(f"the application {missing}", final=True)
        now = self.server.clock()
        if now >= notice.expires_at:
            return Silence("nobody delivered it in time")
        try:
            token = await logout_token_for(self.server, notice, now)
            return await self.server.outbound.post(uri, {"logout_token": token})
        except OAuthError as unsigned:
            return Silence(unsigned.description)
        except (Failed, Refused) as unheard:
            return Silence(str(unheard), final=isinstance(unheard, Refused))

    def _failure(self, notice: Claimed, verdict: Verdict, attempt: int) -> AuditEntry | None:
        """Return the row for the trail of a notice that the application will never get."""
        if isinstance(verdict, Again) or verdict.outcome == "delivered":
            return None
        return audit_entry(
            Event.SESSION_NOTICE_FAILED,
            self.server.clock(),
            _SERVER,
            user_id=notice.user_id,
            application_id=notice.application_id,
            subject_id=str(notice.sid or ""),
            data={"outcome": verdict.outcome, "problem": verdict.problem, "attempts": attempt},
        )


def _told(verdict: Verdict) -> dict[str, str]:
    """Return a verdict for the log."""
    return {"outcome": "failed" if isinstance(verdict, Again) else verdict.outcome, "problem": verdict.problem}
