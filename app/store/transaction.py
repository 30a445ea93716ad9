"""The name of a transaction for those who pass one on and know no SQL."""

from sqlalchemy.ext.asyncio import AsyncSession

Transaction = AsyncSession
"""What `Database.transaction()` yields."""
