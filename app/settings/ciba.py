"""Settings about requests to people (CIBA): how they hear of them, and whose decide themselves in test set-ups."""

from collections.abc import Iterator, Set
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from app.protocol import outbound_target
from app.protocol.ciba_calls import CallRules
from app.protocol.fetching import Refused
from app.protocol.names import name_key
from app.settings import values
from app.settings.fields import Section, Words


class CibaSettings(Section):
    """Requests that applications send to people (CIBA)."""

    notification_url: str = Field(
        "",
        max_length=2000,
        description="Where your own service is told of each new request, so that it can tell the person: https, or in "
        "`outbound.allow`. Without it people find what waits for them on their account’s pages.",
    )
    notification_secret: Annotated[SecretStr, AfterValidator(values.check_sent_secret)] | None = Field(
        None,
        description="What that service knows this server by, sent as a Bearer token: at least 32 characters, which can "
        "stand in the file that `ASSENT_CIBA__NOTIFICATION_SECRET_FILE` names.",
    )
    danger_auto_approve: Words = Field(
        (), description="User names whose requests are approved within 5 seconds, as whole: for test set-ups."
    )
    danger_auto_deny: Words = Field((), description="User names whose requests are denied within 5 seconds.")

    def rules(self) -> CallRules:
        """Return whom the server tells of requests, and whose decide themselves."""
        return CallRules(
            url=self.notification_url,
            secret="" if self.notification_secret is None else self.notification_secret.get_secret_value(),
            approved=frozenset(map(name_key, self.danger_auto_approve)),
            denied=frozenset(map(name_key, self.danger_auto_deny)),
        )

    def problems(self, allow: Set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (path of the key, half a sentence); `allow` are the places that the server may ask in its network."""
        if self.notification_url:
            try:
                outbound_target.target_of(self.notification_url, allow)
            except Refused as refused:
                yield ("ciba", "notification_url"), str(refused)
        elif self.notification_secret is not None:
            yield ("ciba", "notification_secret"), "makes no sense without notification_url; add that or remove this"
        if both := self.rules().approved & self.rules().denied:
            yield (
                ("ciba", "danger_auto_deny"),
                f"also names {min(both)}, who is in danger_auto_approve; remove one of both",
            )
