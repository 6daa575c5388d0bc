"""Model bundles: a folder with ``model.json``, weights and a card, refused where anything in it does not hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.errors import BadBundle
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.network.description import ModelDescription, name_key

DESCRIPTION_FILE = "model.json"
CARD_FILE = "card.md"
_GET_AGAIN = "get the bundle again from its source, or choose another with --model"


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
    path = folder / DESCRIPTION_FILE
    if not path.is_file():
        raise BadBundle(f"{name} is not a model bundle: it has no {DESCRIPTION_FILE}", remedy=_GET_AGAIN)
    raw = path.read_bytes()
    try:
        description = ModelDescription.model_validate_json(decode_text(raw))
    except UnicodeDecodeError:
        raise BadBundle(f"{name}/{DESCRIPTION_FILE} is not text in UTF-8", remedy=_GET_AGAIN) from None
    except ValidationError as problem:
        first = problem.errors()[0]
        field = name_key(first["loc"]) or "the JSON text"
        raise BadBundle(f"{name}/{DESCRIPTION_FILE}: {field}: {first['msg']}", remedy=_GET_AGAIN) from None
    card_path = folder / CARD_FILE
    if not card_path.is_file():
        raise BadBundle(f"{name} has no {CARD_FILE}: a model without its card is not used", remedy=_GET_AGAIN)
    try:
        card = decode_text(card_path.read_bytes())
    except UnicodeDecodeError:
        raise BadBundle(f"{name}/{CARD_FILE} is not text in UTF-8", remedy=_GET_AGAIN) from None
    return Bundle(folder, description, card, hashlib.sha256(raw).hexdigest())


def verify(bundle: Bundle) -> None:
    """Check that every weight file is there with its checksum; BadBundle otherwise."""
    for file in bundle.description.files:
        path = bundle.folder / file.name
        if not path.is_file():
            raise BadBundle(f"{bundle.folder.name}: the weight file {file.name} is missing", remedy=_GET_AGAIN)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            raise BadBundle(
                f"{bundle.folder.name}: the checksum of {file.name} is not the one in {DESCRIPTION_FILE}",
                remedy=_GET_AGAIN,
            )
