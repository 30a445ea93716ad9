"""Settings about limits: how many failures are too many."""

from datetime import timedelta

from app.protocol.configuration import RegistrationLimits, SecretLimits, SignInLimits
from app.settings.fields import DAY, Section, number, span


class LimitSettings(Section):
    """How many failures are too many. Only failures count."""

    account_failures: int = number(10, 3, 100, "Failed sign-ins in a row from which on an account has to wait.")
    first_wait: int = span(30, 1, 3600, "The first wait of an account; each further failure doubles it.")
    longest_wait: int = span(3600, 1, DAY, "The longest wait of an account.")
    client_failures: int = number(
        100, 10, 100_000, "Wrong secrets of one application from one address within `address_window`."
    )
    address_failures: int = number(
        300,
        10,
        100_000,
        "Failed sign-ins from one address within `address_window`, and as many wrong secrets of applications.",
    )
    address_window: int = span(600, 10, DAY, "The window of `client_failures` and `address_failures`.")
    registrations: int = number(
        300,
        1,
        100_000,
        "Registrations from one address in 10 minutes: accounts that people make for themselves (`features.sign_up`).",
    )
    document_fetches: int = number(60, 1, 10_000, "Documents fetched from one host in a minute, all workers together.")

    def sign_in_limits(self) -> SignInLimits:
        """Return those of signing in."""
        return SignInLimits(
            account_failures=self.account_failures,
            first_wait=timedelta(seconds=self.first_wait),
            longest_wait=timedelta(seconds=self.longest_wait),
            address_failures=self.address_failures,
            address_window=timedelta(seconds=self.address_window),
        )

    def registration_limits(self) -> RegistrationLimits:
        """Return those of people who make themselves an account."""
        return RegistrationLimits(self.registrations)

    def secret_limits(self) -> SecretLimits:
        """Return those of applications that show a secret."""
        return SecretLimits(self.client_failures, self.address_failures, timedelta(seconds=self.address_window))
