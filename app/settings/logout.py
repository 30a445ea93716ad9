"""Settings about telling applications that a session is over."""

from datetime import timedelta

from app.protocol.logout_delivery import DeliveryRules
from app.settings.fields import DAY, Section, number, span


class LogoutSettings(Section):
    """How applications are told that a session is over (back-channel logout)."""

    at_once: int = number(16, 1, 32, "Applications that one worker tells at the same time.")
    longest_delay: int = span(
        14_400,
        1,
        DAY,
        "What passes between two attempts at the most; the first delays are seconds. Attempts end after a day.",
    )

    def rules(self) -> DeliveryRules:
        """Return the rules of delivery."""
        return DeliveryRules(at_once=self.at_once, longest_delay=timedelta(seconds=self.longest_delay))
