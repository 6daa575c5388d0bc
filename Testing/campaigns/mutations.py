"""Ways in which files go wrong between one program and the next, drawn from a seed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

JUNK: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        255,
        10**20,
        1.5,
        float("inf"),
        "",
        "0",
        "one",
        "../../x",
        "a/b",
        "\0",
        "é脳",
        "x" * 3000,
    ),
    *([], {}, [1], ["FLAIR"], {"0": "FLAIR"}, {"a": 1}, [[]], [None], {"": ""}),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32")
NAME_WORDS = (
    *("T1", "T2", "FLAIR", "flair", "post", "KM", "sub-01", "ses-2", "lesion", "mask", "SUB", "spine", "造影", "Ä"),
    *("acq-x", "T1w", "T2w", "part-phase", "dseg", ".Nii.Gz", "+", "(1)", "copy", "\n", "%", "$HOME", "'", '"'),
    *("_", "-", " ", ".."),
)


def changed_json(document: Any, draw: random.Random) -> Any:
    """The document with one node replaced by junk, removed, or moved to another key."""
    document = json.loads(json.dumps(document))
    node, key = draw.choice(list(_places(document)) or [(None, None)])
    if node is None:
        return draw.choice(JUNK)
    how = draw.random()
    if how < 0.6:
        node[key] = draw.choice(JUNK)
    elif how < 0.8:
        del node[key]
    elif isinstance(node, dict):
        node[str(draw.choice(JUNK))[:40]] = node.pop(key)
    else:
        node.append(draw.choice(JUNK))
    return document


def _places(node: Any) -> Any:
    """Every place in a document, as its container and its key there."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(pairs):
        yield node, key
        yield from _places(value)


def write_changed_json(path: Path, document: Any, draw: random.Random) -> None:
    """The file with a changed document, or with text that is none, in one encoding or another."""
    text = json.dumps(changed_json(document, draw), ensure_ascii=False)
    how = draw.random()
    if how < 0.1:
        text = text[: draw.randrange(len(text) + 1)]
    elif how < 0.15:
        text = "[" * 20_000
    encoding = draw.choice(ENCODINGS) if draw.random() < 0.3 else "utf-8"
    path.write_bytes(text.encode(encoding, "replace"))


def damage_bytes(path: Path, draw: random.Random) -> None:
    """A file cut short, emptied, lengthened, overwritten or with flipped bits, most of them in its header."""
    raw = bytearray(path.read_bytes())
    how = draw.random()
    if how < 0.2:
        del raw[draw.randrange(len(raw) + 1) :]
    elif how < 0.25:
        raw.clear()
    elif how < 0.35:
        raw += bytes(draw.randrange(256) for _ in range(draw.randrange(1, 400)))
    elif how < 0.4:
        raw = bytearray(draw.randbytes(draw.randrange(2000)))
    for _ in range(draw.randrange(1, 6)):
        if raw:
            raw[draw.randrange(min(len(raw), 400) if draw.random() < 0.7 else len(raw))] ^= 1 << draw.randrange(8)
    path.write_bytes(raw)


def changed_name(path: Path, draw: random.Random) -> Path:
    """The file under a name of words that mean something elsewhere; where the system takes no such name, under its own."""
    extension = ".nii.gz" if path.name.endswith(".nii.gz") else path.suffix
    stem = draw.choice(["", "_"]).join(draw.choice(NAME_WORDS) for _ in range(draw.randrange(1, 5))).replace("/", "_")
    target = path.with_name((stem or "_") + extension)
    try:
        return path if target.exists() else path.rename(target)
    except OSError:
        return path


def damage_tree(folder: Path, draw: random.Random) -> None:
    """One to three files of a folder removed, damaged, renamed, doubled or turned into folders."""
    for _ in range(draw.randrange(1, 4)):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return
        path = draw.choice(files)
        how = draw.random()
        if how < 0.15:
            path.unlink()
        elif how < 0.5:
            damage_bytes(path, draw)
        elif how < 0.8:
            changed_name(path, draw)
        elif how < 0.9:
            other = draw.choice(files)
            path.write_bytes(other.read_bytes())
        else:
            path.unlink()
            path.mkdir()
