"""Generate conductor_proto/ from proto/, byte for byte reproducibly."""

from __future__ import annotations

import shutil
import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE, TARGET = ROOT / "proto", ROOT / "conductor_proto"


def main() -> int:
    shutil.rmtree(TARGET, ignore_errors=True)
    files = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.proto"))
    bundled = resources.files("grpc_tools") / "_proto"
    code: int = protoc.main(
        [
            "protoc",
            f"-I{SOURCE}",
            f"-I{bundled}",
            f"--python_out={ROOT}",
            f"--grpc_python_out={ROOT}",
            f"--mypy_out=quiet:{ROOT}",
            f"--mypy_grpc_out=quiet:{ROOT}",
            *files,
        ]
    )
    if code:
        return code
    for stub in TARGET.rglob("*_pb2_grpc.py*"):
        if "_service_pb2_grpc" not in stub.name:
            stub.unlink()  # files without a service get an empty stub
    for folder in (
        TARGET,
        *(path for path in TARGET.rglob("*") if path.is_dir() and path.name != "__pycache__"),
    ):
        (folder / "__init__.py").write_text('"""Generated from proto/ by `make proto`; do not edit."""\n')
    (TARGET / "py.typed").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
