"""The files without which a restored database is of no use: keys, role passwords and the configuration."""

import io
import tarfile
from pathlib import Path
from typing import Final

_SECRETS: Final = "secrets"
_CHECKPOINT: Final = "ledger.checkpoint"
_CONFIG: Final = "config.toml"


def packed(state: Path, config_file: Path | None) -> bytes:
    """A tar archive of STATE/secrets, the newest checkpoint of the ledger and the configuration file.

    Files that the configuration points to outside of the state directory are not in it.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted((state / _SECRETS).iterdir()):
            if path.is_file() and not path.name.startswith("."):
                tar.add(path, f"{_SECRETS}/{path.name}")
        if (state / _CHECKPOINT).exists():
            tar.add(state / _CHECKPOINT, _CHECKPOINT)
        if config_file is not None and config_file.exists():
            tar.add(config_file, _CONFIG)
    return archive.getvalue()


def unpack(archive: bytes, state: Path) -> tuple[str, ...]:
    """Write the files below an empty state directory, for their owner only; their names.

    Only plain files with the names that `packed` gives are taken. The configuration becomes `config.restored.toml`.
    """
    written = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            folder, _, name = member.name.rpartition("/")
            if not member.isreg() or folder not in ("", _SECRETS) or name in ("", ".", ".."):
                continue
            content = tar.extractfile(member)
            assert content is not None  # noqa: S101 - a regular file has content
            target = state / folder / ("config.restored.toml" if member.name == _CONFIG else name)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.touch(mode=0o600)
            target.write_bytes(content.read())
            written.append(target.relative_to(state).as_posix())
    return tuple(written)
