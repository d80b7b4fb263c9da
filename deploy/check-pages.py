"""What deploy/check-pages.sh reads with the generated client: every operation of the document, from a running demo."""

import importlib
import json
import pathlib
import pkgutil
import sys

from client import Client
from client import api as operations
from client.api import default

ARGUMENTS = {
    "module": "demo.example/colour",
    "module_version": "demo.example/colour@v1.1.0",
    "path": "go.mod",
}

client = Client(base_url=f"{sys.argv[1]}/api/v1", raise_on_unexpected_status=True)
read = 0
for found in pkgutil.iter_modules(default.__path__):
    operation = importlib.import_module(f"{operations.__name__}.default.{found.name}")
    wanted = operation.sync_detailed.__annotations__
    arguments = {name: value for name, value in ARGUMENTS.items() if name in wanted}
    answer = operation.sync_detailed(client=client, **arguments)
    assert answer.status_code == 200 and answer.parsed is not None, (found.name, answer)
    read += 1
documented = len(json.loads(pathlib.Path("src/server/api/openapi.json").read_text())["paths"])
assert read == documented, (read, documented)
print(f"{read} routes read by a generated client")
