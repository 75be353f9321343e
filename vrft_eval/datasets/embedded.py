"""Images that lie inside Arrow or Parquet files: read once for their sizes, written out when they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrft_eval.errors import InputError
from vrft_eval.files import cannot_write

_BEGINNING = 2**20


@dataclass(frozen=True)
class Table:
    """A table in one or more files, in the order of its rows."""

    folder: Path
    shards: tuple[Path, ...]

    def fingerprint(self) -> str:
        """A short name for what the files hold, by their names, sizes and beginnings."""
        digest = hashlib.sha256()
        for shard in self.shards:
            try:
                with shard.open("rb") as stream:
                    start = stream.read(_BEGINNING)
                digest.update(f"{shard.name}\0{shard.stat().st_size}\0".encode() + start)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}", file=shard) from None
        return digest.hexdigest()[:12]

    def names(self) -> tuple[str, ...]:
        """What the columns are called. Raises InputError for a broken file."""
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        shard = self.shards[0]
        try:
            if shard.suffix == ".parquet":
                return tuple(parquet.read_schema(shard).names)
            with arrow.memory_map(str(shard)) as source, arrow.ipc.open_stream(source) as stream:
                return tuple(stream.schema.names)
        except (arrow.ArrowException, OSError) as error:
            raise InputError(f"not a table that can be read: {error}", file=shard) from None

    def columns(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of some columns, row by row. Raises InputError for a broken file or a missing column."""
        try:
            import pyarrow as arrow
        except ImportError:
            raise InputError("reading Hugging Face data needs pyarrow: pip install pyarrow", file=self.folder) from None
        for shard in self.shards:
            try:
                for batch in _batches(shard, names):
                    columns = [batch.column(name) for name in names]
                    for row in range(batch.num_rows):
                        yield tuple(column[row].as_py() for column in columns)
            except KeyError as error:
                raise InputError(f"there is no column {error}; needed are {', '.join(names)}", file=shard) from None
            except (arrow.ArrowException, OSError) as error:
                raise InputError(f"not a table that can be read: {error}", file=shard) from None

    def images(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield (row, bytes of its image); None where the row holds no bytes, only the path of a file elsewhere."""
        for row, (value,) in enumerate(self.columns("image")):
            data = value.get("bytes") if isinstance(value, dict) else value
            yield row, data if isinstance(data, bytes) else None


def _batches(shard: Path, names: tuple[str, ...]) -> Iterator[Any]:
    if shard.suffix == ".parquet":
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(shard) as file:
            _need(names, file.schema_arrow.names)
            yield from file.iter_batches(batch_size=64, columns=list(names))
        return
    import pyarrow as arrow

    with arrow.memory_map(str(shard)) as source, arrow.ipc.open_stream(source) as stream:
        _need(names, stream.schema.names)
        yield from stream


def _need(names: tuple[str, ...], there: list[str]) -> None:
    missing = [name for name in names if name not in there]
    if missing:
        raise KeyError(missing[0])


@dataclass(frozen=True)
class Embedded:
    """Which row of a table is the image that a path stands for; the file isn't there before `unpack`."""

    table: Table
    rows: dict[Path, int]

    def unpack(self, paths: Iterable[Path]) -> None:
        """Write those of the images that aren't there yet, each whole or not at all. Raises InputError."""
        wanted = {self.rows[path]: path for path in paths if not path.is_file()}
        if not wanted:
            return
        for row, data in self.table.images():
            if row in wanted and data is not None:
                path = wanted[row]
                temporary = path.with_name(f".{path.name}.part")
                with cannot_write(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    temporary.write_bytes(data)
                    temporary.replace(path)
