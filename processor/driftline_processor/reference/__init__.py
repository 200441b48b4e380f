"""Training profiles, OTLP → Reference: from a file, a folder, or a request."""

from driftline_processor.reference.folder import FolderChange, ReferenceFolder, read_file
from driftline_processor.reference.reading import read_reference
from driftline_processor.reference.rules import InvalidReference

__all__ = ["FolderChange", "InvalidReference", "ReferenceFolder", "read_file", "read_reference"]
