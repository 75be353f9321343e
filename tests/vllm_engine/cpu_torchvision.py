"""Let torchvision be imported beside a CPU build of torch: a development aid for machines without a GPU.

The torchvision of the package index is built for CUDA. Beside a CPU torch its operators can't be loaded, and then its
import fails when it describes two of them (`operator torchvision::nms does not exist`); transformers' Qwen2-VL
processor needs that import. Declaring these two is enough: nobody calls them. Run as a script, this file puts itself
into the site-packages of the Python that runs it, with a .pth file, so that vLLM's own processes get it too; where
torchvision can be imported without it, nothing is done. torchaudio and torchcodec, which transformers and vLLM import
where they find them and which nobody here needs, are taken out if they can't be imported.
"""

import importlib.abc
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
NOT_NEEDED = ("torchaudio", "torchcodec")
_kept: list[Any] = []


class Declare(importlib.abc.MetaPathFinder):
    """Declare the operators when torchvision is first imported; finds no module itself."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Called by Python before any other finder."""
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            import torch

            if torch.version.cuda is None:
                # The declarations last as long as this object.
                library = torch.library.Library("torchvision", "DEF")
                for schema in OPERATORS:
                    library.define(schema)
                _kept.append(library)


def install() -> None:
    """Copy this file into site-packages if torchvision needs it. Raises SystemExit when it doesn't help."""
    broken = [package for package in NOT_NEEDED if find_spec(package) and not _imports(package)]
    if broken:
        subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", *broken], check=True)
    if _imports("torchvision"):
        return
    packages = Path(sysconfig.get_paths()["purelib"])
    name = f"vrft_{Path(__file__).stem}"
    (packages / f"{name}.py").write_bytes(Path(__file__).read_bytes())
    (packages / f"{name}.pth").write_text(f"import {name}\n", encoding="utf-8")
    if not _imports("torchvision"):
        sys.exit("torchvision can't be imported, even with its operators declared")


def _imports(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


if __name__ == "__main__":
    install()
else:
    sys.meta_path.insert(0, Declare())
