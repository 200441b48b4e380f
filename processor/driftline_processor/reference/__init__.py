"""Training profiles, OTLP → Reference: from a file, a folder, or a request. The format is `driftline.reference`."""

from driftline.reference.errors import InvalidReference
from driftline_processor.reference.folder import FolderChange, ReferenceFolder
from driftline_processor.reference.read import read_file, read_reference

__all__ = ["FolderChange", "InvalidReference", "ReferenceFolder", "read_file", "read_reference"]
