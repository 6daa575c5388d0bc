"""Model bundles: a folder with ``model.json``, weights and a card, refused where anything in it does not hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.errors import BadBundle
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.network.description import NAME_RULE, SCHEMA_VERSION, ModelDescription, name_key

DESCRIPTION_FILE = "model.json"
CARD_FILE = "card.md"
_GET_AGAIN = "get the bundle again from its source, or choose another with --model"
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose description holds; ``verify`` checks the weights too. sha256 is of ``model.json``, which names theirs."""

    folder: Path
    description: ModelDescription
    card: str
    sha256: str

    @property
    def recipe_name(self) -> str:
        """The name of the recipe that it was trained with."""
        return str(self.description.recipe.get("name", "unnamed"))


def read_bundle(folder: Path) -> Bundle:
    """Read the description and the card; BadBundle names the field or file that does not hold."""
    name = folder.name
    try:
        _check_is_bundle(folder)
        raw = (folder / DESCRIPTION_FILE).read_bytes()
        description = _parse_description(name, raw)
        if not (folder / CARD_FILE).is_file():
            raise BadBundle(f"{name} has no {CARD_FILE}: a model without its card is not used", remedy=_GET_AGAIN)
        card = _decode(name, CARD_FILE, (folder / CARD_FILE).read_bytes())
    except PermissionError as problem:
        raise _make_unreadable(folder, problem) from None
    return Bundle(folder, description, card, hashlib.sha256(raw).hexdigest())


def _check_is_bundle(folder: Path) -> None:
    """BadBundle that says what there is instead of a bundle's folder: people give archives, weights and the folder above."""
    name = folder.name
    if not folder.exists():
        raise BadBundle(f"there is no folder {name}", remedy="give the folder of a model bundle")
    if not folder.is_dir():
        raise BadBundle(
            f"{name} is a file, not a model bundle's folder", remedy="give the folder; unpack an archive first"
        )
    if not (folder / DESCRIPTION_FILE).is_file():
        inside = sorted(path.parent.name for path in folder.glob(f"*/{DESCRIPTION_FILE}"))
        remedy = f"give the bundle in it: {inside[0]}" if inside else _GET_AGAIN
        raise BadBundle(f"{name} is not a model bundle: it has no {DESCRIPTION_FILE}", remedy=remedy)


def _parse_description(name: str, raw: bytes) -> ModelDescription:
    try:
        return ModelDescription.model_validate_json(_decode(name, DESCRIPTION_FILE, raw))
    except ValidationError as problem:
        errors = problem.errors()
    for error in errors:
        version = error["input"]
        if error["loc"] == ("schema_version",) and isinstance(version, int) and version > SCHEMA_VERSION:
            raise BadBundle(
                f"{name} was made by a newer version of MSSoftSeg (schema_version {version})",
                remedy="update MSSoftSeg, or choose another model",
            )
    field = name_key(errors[0]["loc"]) or "the JSON text"
    said = NAME_RULE if errors[0]["loc"] == ("name",) else errors[0]["msg"]
    raise BadBundle(f"{name}/{DESCRIPTION_FILE}: {field}: {said}", remedy=_GET_AGAIN)


def _decode(name: str, file_name: str, content: bytes) -> str:
    try:
        return decode_text(content)
    except UnicodeDecodeError:
        raise BadBundle(f"{name}/{file_name} is not text in UTF-8", remedy=_GET_AGAIN) from None


def _make_unreadable(folder: Path, problem: PermissionError) -> BadBundle:
    file_name = Path(problem.filename or folder).name
    return BadBundle(f"{folder.name}: {file_name} may not be read", remedy="ask for permission to read the bundle")


def verify(bundle: Bundle) -> None:
    """Check that every weight file is there with its checksum; BadBundle otherwise."""
    for file in bundle.description.files:
        path = bundle.folder / file.name
        if not path.is_file():
            raise BadBundle(f"{bundle.folder.name}: the weight file {file.name} is missing", remedy=_GET_AGAIN)
        try:
            with path.open("rb") as stream:
                begin = stream.peek(len(_LFS_POINTER))[: len(_LFS_POINTER)]
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except PermissionError as problem:
            raise _make_unreadable(bundle.folder, problem) from None
        if begin == _LFS_POINTER:
            raise BadBundle(
                f"{bundle.folder.name}: {file.name} is a Git LFS pointer, not the weights",
                remedy="fetch them with git lfs pull in the place where the bundle came from",
            )
        if digest != file.sha256:
            raise BadBundle(
                f"{bundle.folder.name}: the checksum of {file.name} is not the one in {DESCRIPTION_FILE}",
                remedy=_GET_AGAIN,
            )
