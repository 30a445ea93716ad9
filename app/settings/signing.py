"""The settings of the keys that the server signs with."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from app.protocol.tokens.keyring import SHORTEST_ANNOUNCEMENT, SigningPlan
from app.settings import values
from app.settings.fields import DAY, YEAR, Section, Words, span


class SigningSettings(Section):
    """The keys that sign what the server says. Times are in seconds."""

    algorithms: Annotated[Words, AfterValidator(values.check_signing_algorithms)] = Field(
        SigningPlan().algorithms,
        description="The algorithms that there are keys for: RS256, which every client may rely on, and any of ES256, "
        "PS256 and EdDSA. The first one signs what asks for none.",
    )
    rotation: int = span(90 * DAY, 3600, YEAR, "How long a key signs before the next one takes over.")
    announce: int = span(
        DAY,
        int(SHORTEST_ANNOUNCEMENT.total_seconds()),
        30 * DAY,
        "How long the next key is published before it signs. Others may cache the list for half of it.",
    )
    keep: int = span(
        35 * DAY,
        DAY,
        2 * YEAR,
        "How long a key stays published after it has signed for the last time: longer than a session, whose ID tokens "
        "say who is meant until it ends.",
    )

    def plan(self) -> SigningPlan:
        """Return the plan that the keys live by."""
        spans = {name: timedelta(seconds=getattr(self, name)) for name in ("rotation", "announce", "keep")}
        return SigningPlan(self.algorithms, **spans)
