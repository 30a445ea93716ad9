"""Settings about limits: how many failures are too many."""

from datetime import timedelta

from app.protocol.configuration import AskingLimits, PushLimits, RegistrationLimits, SecretLimits, SignInLimits
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
        "Registrations from one address in 10 minutes: accounts that people make for themselves (`features.sign_up`), "
        "and, counted apart, applications that register themselves (`registration.mode`).",
    )
    pushed_requests: int = number(
        300,
        1,
        100_000,
        "Authorization requests pushed from one address in 10 minutes by applications that do not authenticate, or "
        "that introduced themselves and that you have not checked.",
    )
    document_requests: int = number(
        300,
        1,
        100_000,
        "Metadata documents of clients that one address may have fetched in 10 minutes, by requests behind which "
        "nobody is known to stand.",
    )
    document_fetches: int = number(60, 1, 10_000, "Documents fetched from one host in a minute, all workers together.")

    person_requests_of_application: int = number(
        10,
        1,
        100_000,
        "Requests of one application to one person (CIBA) within `person_requests_window` that he does not approve. "
        "Further ones are refused.",
    )
    person_requests: int = number(
        20,
        1,
        100_000,
        "Such requests of all applications that he allows nothing. Beyond them the person is not asked, and the "
        "application waits in vain.",
    )
    person_requests_window: int = span(600, 10, DAY, "The window of `person_requests…`.")

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

    def push_limits(self) -> PushLimits:
        """Return those of applications that push requests without proving who they are."""
        return PushLimits(self.pushed_requests)

    def secret_limits(self) -> SecretLimits:
        """Return those of applications that show a secret."""
        return SecretLimits(self.client_failures, self.address_failures, timedelta(seconds=self.address_window))

    def asking_limits(self) -> AskingLimits:
        """Return those of applications that ask people elsewhere."""
        return AskingLimits(
            of_application=self.person_requests_of_application,
            of_person=self.person_requests,
            window=timedelta(seconds=self.person_requests_window),
        )
