"""`/api/v1/organizations`: organizations, as their members, keys and operators see them."""

from app.routers.api.problems import api_router

router = api_router()
