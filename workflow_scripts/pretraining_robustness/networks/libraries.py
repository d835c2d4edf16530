"""Which networks torchvision, timm and open_clip have: read off their files, for planning imports none of the three.

What is told here is told again where a network is built, together with what only building it tells. Where a library is
not installed (only jobs may have it), nothing is known: None.
"""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# The form in which both libraries of code register a network, and in timm the weights of one.
TORCHVISION = re.compile(r"^@register_model\(.*?\)\n(?:@(?:.*\n)+?)?def (\w+)\([^@]*?\) -> (\w+):", re.MULTILINE)
TIMM = re.compile(r"^@register_model\ndef (\w+)", re.MULTILINE)
TIMM_WEIGHTS = re.compile(r"^ +['\"](\w+\.\w+)['\"] *:", re.MULTILINE)

# Builders of `architectures` that are no name of torchvision: its class, and what they take besides.
FAMILIES = {"ResNet": ("block", "widths"), "DenseNet": (), "MobileNetV3": ("configuration", "batch_norm_momentum")}
LIBRARIES = ("timm", "open_clip")
OPEN_CLIP_ARGUMENTS = ("model", "image_size", "quick_gelu", "embed_dim", "vision_cfg", "text_cfg")


def builders() -> list[str] | None:
    """Return what the key `builder` of an architecture may be."""
    named = _torchvision()
    return None if named is None else [*named, *FAMILIES, *LIBRARIES]


def arguments_of(builder: str) -> list[str] | None:
    """Return what a builder takes, or None where that is not known before it is called."""
    if builder == "open_clip":
        return list(OPEN_CLIP_ARGUMENTS)
    kind = builder if builder in FAMILIES else (_torchvision() or {}).get(builder)
    initialiser = _initialiser(str(kind))
    if initialiser is None or initialiser.kwarg is not None:
        return None
    known = dict.fromkeys([*FAMILIES.get(builder, ()), *(argument.arg for argument in initialiser.args)])
    return [name for name in known if name not in ("self", "num_classes")]


def models_of(library: str) -> list[str] | None:
    """Return the models of timm or open_clip, by their names there."""
    if library == "open_clip":
        files = _files(library, "model_configs/*.json")
        return None if files is None else [file.stem for file in files]
    text = _text("timm")
    return None if text is None else TIMM.findall(text)


def weights_of(model: str) -> list[str]:
    """Return the names of timm's published weights of a model (resnet50.a1_in1k), those that its files spell out."""
    return [name for name in TIMM_WEIGHTS.findall(_text("timm") or "") if name.partition(".")[0] == model]


@cache
def _torchvision() -> dict[str, str] | None:
    """Return the class of every classification network of torchvision."""
    text = _text("torchvision")
    return None if text is None else dict(TORCHVISION.findall(text))


def _initialiser(kind: str) -> ast.arguments | None:
    """Return what a class of torchvision's networks is initialised with."""
    found = re.search(rf"^class {kind}\(.*?(?=^\S|\Z)", _text("torchvision") or "", re.MULTILINE | re.DOTALL)
    body = ast.parse(found[0]).body[0] if found else None
    parts = body.body if isinstance(body, ast.ClassDef) else []
    return next((part.args for part in parts if isinstance(part, ast.FunctionDef) and part.name == "__init__"), None)


@cache
def _text(library: str) -> str | None:
    files = _files(library, "models/*.py")
    return None if files is None else "\n".join(file.read_text(encoding="utf-8") for file in files)


def _files(library: str, pattern: str) -> list[Path] | None:
    found = find_spec(library)
    if found is None or found.origin is None:
        return None
    return sorted(Path(found.origin).parent.glob(pattern))
