"""The import of what a system of the bitmask era left behind: `assent import legacy`."""

from app.services.legacy_import.files import LegacyFileError, read_file
from app.services.legacy_import.report import Refusal, Report
from app.services.legacy_import.run import Importer, ImportStopped
from app.services.legacy_import.source import Source

__all__ = ["ImportStopped", "Importer", "LegacyFileError", "Refusal", "Report", "Source", "read_file"]
