"""Settings of how long things live."""

from datetime import timedelta

from app.protocol.policy import Lifetimes
from app.settings.fields import DAY, YEAR, Section, span


class LifetimeSettings(Section):
    """How long things live, in seconds."""

    authorization_code: int = span(60, 1, 600, "An authorization code, from consent to its exchange.")
    interaction: int = span(600, 30, 3600, "A request that waits for a person to sign in and decide.")
    pushed_request: int = span(
        90, 5, 599, "A pushed authorization request, until a browser comes with it (RFC 9126); below 600 for FAPI 2.0."
    )
    backchannel_request: int = span(
        300, 30, 3600, "A request to a person elsewhere (CIBA), unless the client asks for less."
    )
    access_token: int = span(3600, 1, DAY, "An access token.")
    jwt_access_token: int = span(
        900, 1, DAY, "An access token that APIs check by themselves. The shorter of this and `access_token` counts."
    )
    refresh_token_idle: int = span(30 * DAY, 1, 10 * YEAR, "A refresh token that nobody uses.")
    refresh_token_absolute: int = span(180 * DAY, 1, 10 * YEAR, "All refresh tokens that follow from one consent.")
    refresh_grace: int = span(
        30, 0, 120, "How long a refresh token that was just used gets the same successor again; 0 switches this off."
    )
    personal_token: int = span(90 * DAY, 60, 10 * YEAR, "A personal token, unless its maker chooses otherwise.")
    session_idle: int = span(12 * 3600, 60, YEAR, "A browser session that nobody uses.")
    session_absolute: int = span(30 * DAY, 60, YEAR, "A browser session, from sign-in to the next.")
    recent_login: int = span(
        900, 30, DAY, "How long after signing in a person may make and change credentials without signing in again."
    )
    invitation: int = span(7 * DAY, 60, YEAR, "An invitation to an organization.")
    deletion_grace: int = span(3600, 60, 30 * DAY, "How long an application that was deleted can be restored.")
    device_code: int = span(600, 60, 1800, "How long a person has to type what a device shows, sign in and decide.")
    id_token: int = span(
        3600, 60, DAY, "How long an ID token counts for its application. What it says about the sign-in stays true."
    )

    def lifetimes(self) -> Lifetimes:
        """Return them as the protocol counts them."""
        return Lifetimes(**{name: timedelta(seconds=seconds) for name, seconds in self.model_dump().items()})
