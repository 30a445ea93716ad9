"""`/api/v1/organizations/{slug}/api-keys`: the machine credentials of an organization."""

from app.routers.api.problems import api_router

router = api_router()
