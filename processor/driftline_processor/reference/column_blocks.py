"""Blocks of columns in the user's words: by the configuration, else those of the reference."""

from dataclasses import replace

from driftline.reference.column_blocks import Blocks, block_of
from driftline.semconv import TARGET_INPUT, TARGET_OUTPUT
from driftline_processor.records import Reference


def with_blocks(reference: Reference, configured: Blocks) -> Reference:
    """The reference whose columns belong to these blocks, and those that are in none of them to their own."""
    if not configured:
        return reference
    columns = {
        key: replace(column, block=block_of(key.name, configured) or column.block)
        if key.target in {TARGET_INPUT, TARGET_OUTPUT}
        else column
        for key, column in reference.columns.items()
    }
    return replace(reference, columns=columns)
