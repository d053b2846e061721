"""Records as parquet: the columns of the csv export, with their types."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from ..bench.records import kinds
from .frame import Frame, Record


def as_parquet(records: Sequence[Record] | Frame) -> bytes:
    """Return a parquet file: numbers as numbers, lists as lists; config and versions, which are objects, as JSON text.

    Raises:
        ModuleNotFoundError: if pyarrow, an extra, is not installed.
    """
    import pyarrow as pa
    from pyarrow import parquet

    plain = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    fields, arrays = [], []
    rows = list(Frame.of(records))
    for name, (kind, absent) in kinds().items():
        listed = get_origin(kind) is list
        type_ = pa.list_(plain[get_args(kind)[0]]) if listed else plain.get(kind, pa.string())
        fields.append(pa.field(name, type_, nullable=absent))
        arrays.append(pa.array([_value(row.get(name)) for row in rows], type_))
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), buffer)
    return buffer.getvalue()


def _value(value: Any) -> Any:
    return json.dumps(dict(value), ensure_ascii=False) if isinstance(value, Mapping) else value
