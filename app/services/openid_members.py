"""What the owner of an application may say about signing people in: members of `ApplicationSettings`."""

from typing import Literal

from pydantic import BaseModel, Field

from app.protocol.client_members import Algorithm, HttpsAddress, ListOf, Name, RedirectUri, WebAddress
from app.protocol.client_metadata import MAX_SECONDS


class OpenIdMembers(BaseModel):
    """The names are those of OpenID Connect Registration and of the three logouts."""

    subject_type: Literal["public", "pairwise"] | None = Field(
        None,
        description="`pairwise`: it knows people by names that no application of another host knows. This cannot be "
        "changed later. Null: as `public`.",
    )
    sector_identifier_uri: HttpsAddress | None = Field(
        None, description="A JSON array of all its redirect URIs, for `pairwise` with several hosts; it is fetched."
    )
    id_token_signed_response_alg: Algorithm | None = Field(
        None,
        description="What its ID tokens are signed with. A new one gets ES256 where the server has it; null: RS256.",
    )
    id_token_encrypted_response_alg: Algorithm | None = Field(
        None, description="How the key is encrypted that its ID tokens are encrypted with; null: they are not."
    )
    id_token_encrypted_response_enc: Algorithm | None = Field(
        None, description="How they are encrypted; null: A128CBC-HS256."
    )
    userinfo_signed_response_alg: Algorithm | None = Field(
        None, description="What answers about people are signed with; null: they are plain JSON."
    )
    userinfo_encrypted_response_alg: Algorithm | None = Field(
        None, description="How the key is encrypted that such answers are encrypted with; null: they are not."
    )
    userinfo_encrypted_response_enc: Algorithm | None = Field(
        None, description="How they are encrypted; null: A128CBC-HS256."
    )
    default_max_age: int | None = Field(
        None, ge=0, le=MAX_SECONDS, description="Seconds after which people sign in anew, unless a request says so."
    )
    require_auth_time: bool = Field(False, description="ID tokens tell when the person signed in in any case.")
    default_acr_values: ListOf[Name] = Field((), description="How people should have signed in; the best first.")
    initiate_login_uri: HttpsAddress | None = Field(None, description="Where others can send people to sign in.")
    post_logout_redirect_uris: ListOf[RedirectUri] = Field(
        (), description="Where people may be sent after they have signed out, exactly."
    )
    backchannel_logout_uri: WebAddress | None = Field(
        None, description="Where the server tells it that a session is over (OpenID Connect Back-Channel Logout)."
    )
    backchannel_logout_session_required: bool = Field(False, description="Whether it must be told which session.")
    frontchannel_logout_uri: WebAddress | None = Field(
        None, description="A page of it that is loaded when somebody signs out; on the host of a redirect URI."
    )
    frontchannel_logout_session_required: bool = Field(False, description="Whether it must be told which session.")
