"""What the owner of an application may say about demanding requests and answers: members of `ApplicationSettings`."""

from typing import Literal

from pydantic import BaseModel, Field

from app.protocol.client_members import Algorithm, HttpsAddress, ListOf, Name, SigningAlgorithm


class RequestMembers(BaseModel):
    """The names are those of RFC 9101, RFC 9126, RFC 9396, RFC 9701, JARM, FAPI 2.0 Message Signing and CIBA."""

    require_pushed_authorization_requests: bool = Field(
        False, description="Whether it pushes its authorization requests before it sends anybody here."
    )
    require_signed_request_object: bool = Field(
        False, description="Whether its authorization requests count as signed request objects alone."
    )
    request_uris: ListOf[HttpsAddress] = Field(
        (), description="Where request objects of it may be fetched from, exactly, on a server that does that."
    )
    request_object_signing_alg: SigningAlgorithm | None = Field(
        None, description="The one algorithm of its request objects; null: each that fits its keys."
    )
    response_modes: ListOf[Name] = Field((), description="How answers may reach it; none: in every way there is.")
    authorization_signed_response_alg: SigningAlgorithm | None = Field(
        None, description="What its signed authorization answers (JARM) are signed with; null: RS256."
    )
    authorization_encrypted_response_alg: Algorithm | None = Field(
        None, description="How the key is encrypted that such answers are encrypted with; null: they are not."
    )
    authorization_encrypted_response_enc: Algorithm | None = Field(
        None, description="How they are encrypted; null: A128CBC-HS256."
    )
    authorization_details_types: ListOf[Name] = Field(
        (), description="The types of authorization details that it may ask for; none: every type there is."
    )
    introspection_signed_response_alg: SigningAlgorithm | None = Field(
        None, description="What introspection answers are signed with when it asks for JWTs; null: RS256."
    )
    introspection_encrypted_response_alg: Algorithm | None = Field(
        None, description="How the key is encrypted that such answers are encrypted with; null: they are not."
    )
    introspection_encrypted_response_enc: Algorithm | None = Field(
        None, description="How they are encrypted; null: A128CBC-HS256."
    )
    backchannel_token_delivery_mode: Literal["poll", "ping"] | None = Field(
        None, description="How it learns that a person has decided about its request elsewhere (CIBA)."
    )
    backchannel_client_notification_endpoint: HttpsAddress | None = Field(
        None, description="Where it is told so, with `ping`."
    )
    backchannel_authentication_request_signing_alg: SigningAlgorithm | None = Field(
        None, description="The algorithm of such requests, which it then always signs; null: they are not signed."
    )
