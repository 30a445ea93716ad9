"""What request objects and signed answers add to the metadata (OpenID Connect Discovery §3, RFC 9101 §10.5, JARM
§4)."""

from app.crypto import jose
from app.protocol.authorize import request_object
from app.protocol.features import Feature, FeatureSet


def members(
    features: FeatureSet, signing: tuple[str, ...], *, require_signed: bool = False
) -> dict[str, str | bool | list[str]]:
    """Return the members of a server with these features; `signing` are the algorithms that it signs with.

    That requests cannot come by reference is said aloud, for silence means that they can (RO-9). There is no encryption
    of request objects, and `none` is no algorithm here (RO-4). `require_signed`: requests count only when they are
    signed (RO-10).
    """
    by_reference = Feature.REQUEST_OBJECTS_BY_REFERENCE in features
    told: dict[str, str | bool | list[str]] = {
        "request_parameter_supported": Feature.REQUEST_OBJECTS in features,
        "request_uri_parameter_supported": by_reference,
    }
    if Feature.REQUEST_OBJECTS in features:
        told |= {
            "request_object_signing_alg_values_supported": list(request_object.ALGORITHMS),
            "require_signed_request_object": require_signed,
        }
    if by_reference:
        told["require_request_uri_registration"] = True
    if Feature.SIGNED_ANSWERS in features:
        told |= {
            "authorization_signing_alg_values_supported": list(signing),
            "authorization_encryption_alg_values_supported": list(jose.KEY_MANAGEMENT_ALGORITHMS),
            "authorization_encryption_enc_values_supported": list(jose.CONTENT_ENCRYPTION_ALGORITHMS),
        }
    return told
