"""Training profiles, OTLP → Reference: from a file, a folder, or a request."""

from driftline_processor.reference.attributes import InvalidReference
from driftline_processor.reference.folder import FolderChange, ReferenceFolder, read_file
from driftline_processor.reference.parse import read_reference

__all__ = ["FolderChange", "InvalidReference", "ReferenceFolder", "read_file", "read_reference"]
