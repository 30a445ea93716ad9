"""The settings of resources: APIs that accept tokens, each named by the key of its table."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.protocol.resources import Resource, problem_with
from app.settings import values
from app.settings.fields import DAY, Section, Words, number


class ResourceSettings(Section):
    """One resource (RFC 8707), named by its identifier, such as `[resources."https://api.example.com"]`."""

    name: str = Field("", max_length=100, description="What people call it.")
    scopes: Words | None = Field(None, description="The scopes that it understands. Without it: every one.")
    token_format: Literal["opaque", "jwt"] = Field(
        "opaque",
        description="`opaque`: it asks this server about tokens (RFC 7662). `jwt`: it checks them itself (RFC 9068), "
        "and what is taken away counts there when the token ends.",
    )
    access_token: int | None = number(
        None, 1, DAY, "An access token for it, if shorter than elsewhere.", unit="seconds"
    )
    signing_alg: Annotated[str, AfterValidator(values.check_signing_algorithm)] = Field(
        "", description="Algorithm of its JWTs, one of `signing.algorithms`. Without it: the first of those."
    )
    introspection_clients: Words = Field(
        (), description="Client IDs of the applications that may introspect tokens for it: its own servers."
    )

    def resource(self, identifier: str) -> Resource:
        """Return the resource; raises ValueError for an identifier that names none."""
        if problem := problem_with(identifier):
            raise ValueError(f"resources.{identifier[:100]} {problem}")
        return Resource(
            identifier=identifier,
            name=self.name,
            scopes=None if self.scopes is None else frozenset(self.scopes),
            token_format=self.token_format,
            access_token=None if self.access_token is None else timedelta(seconds=self.access_token),
            signing_alg=self.signing_alg,
            introspection_clients=frozenset(self.introspection_clients),
        )
