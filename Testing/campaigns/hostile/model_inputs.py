"""The inputs of ``models.py``, each with what ``mssoftseg models`` must answer."""

from __future__ import annotations

from Testing.campaigns.hostile.models import (
    ESCAPE,
    WEIGHTS,
    a_file,
    a_folder_instead,
    a_part_missing,
    a_pipe,
    a_zip,
    altered,
    beside_a_damaged_one,
    beside_a_locked_one,
    bomb,
    bundle,
    damaged_installed,
    decision,
    history_is_a_folder,
    imported,
    installed_twice,
    lfs_pointer,
    linked,
    linked_model,
    locked,
    marked,
    models_is_a_file,
    name_of_a_damaged_one,
    no_right,
    not_a_number,
    one_less,
    other_text,
    plain,
    promoted,
    twins,
    with_card,
    with_field,
    with_history,
    with_installed,
    with_little,
    with_values,
    with_weights,
)
from Testing.campaigns.hostile.runs import CANCELLED, DONE, LACKS, Hostile

FILE = "is a file, not a model bundle's folder"
NO_BUNDLE = "it has no model.json"
UNFIT = "does not fit the network"
FLAIR_ONLY = [{"modality": "flair", "required": True}]
WIDE = {"kind": "lesion-unet", "widths": [10**9, 10**9]}
NOT_TRAINED = {"kind": "transformer", "widths": [4, 6]}

WRONG_KIND = (
    Hostile("a zip archive with .. and a link in it", a_zip, FILE),
    Hostile("a pickle", lambda i, m: a_file(i, "model.pt", bomb()), FILE),
    Hostile("the weights alone", lambda i, m: imported(bundle(i / "little") / WEIGHTS), FILE),
    Hostile("the description alone", lambda i, m: imported(bundle(i / "little") / "model.json"), FILE),
    Hostile("nothing there", lambda i, m: imported(i / "nowhere"), "there is no folder nowhere"),
    Hostile("an empty name", lambda i, m: ["models", "import", ""], "no model.json"),
    Hostile("an empty folder", lambda i, m: imported(i), NO_BUNDLE),
    Hostile(
        "the folder above the bundle",
        lambda i, m: imported(bundle(i / "run" / "little").parent),
        "give the bundle in it: little",
    ),
    Hostile("a name of 5,000 letters", lambda i, m: imported(i / ("x" * 5000)), "longer than this disk allows"),
    Hostile("a name in two lines", lambda i, m: imported(i / "x\nerror: y"), "there is no folder"),
    Hostile("a pipe as description", lambda i, m: a_pipe(i, "model.json"), NO_BUNDLE),
    Hostile("a pipe as weights", lambda i, m: a_pipe(i, WEIGHTS), "is missing"),
    Hostile("a folder as weights", lambda i, m: a_folder_instead(i, WEIGHTS), "is missing"),
    Hostile("a folder as card", lambda i, m: a_folder_instead(i, "card.md"), "has no card.md"),
    Hostile("no weights", lambda i, m: a_part_missing(i, WEIGHTS), f"{WEIGHTS} is missing"),
    Hostile("no card", lambda i, m: a_part_missing(i, "card.md"), "has no card.md"),
    Hostile("a link to a system's file as description", lambda i, m: linked(i, "model.json", "/etc/passwd"), "JSON"),
    Hostile("a link to a system's file as weights", lambda i, m: linked(i, WEIGHTS, "/etc/passwd"), "checksum"),
    Hostile("a link to nothing as weights", lambda i, m: linked(i, WEIGHTS, "gone"), "is missing"),
    Hostile(
        "a folder without rights",
        lambda i, m: locked(bundle(i / "b"), *imported(i / "b")),
        "is not readable",
        rights=True,
    ),
    Hostile(
        "weights without rights",
        lambda i, m: locked(bundle(i / "b") / WEIGHTS, *imported(i / "b")),
        "may not be read",
        rights=True,
    ),
)
DAMAGED = (
    Hostile("one bit of the weights", altered, "checksum"),
    Hostile("a Git LFS pointer in place of weights", lfs_pointer, "git lfs pull"),
    Hostile("weights cut short, checksum right", with_weights(lambda raw: raw[: len(raw) // 2]), UNFIT),
    Hostile("empty weights, checksum right", with_weights(lambda raw: b""), UNFIT),
    Hostile("a header of 2^60 bytes, checksum right", with_weights(lambda raw: b"\xff" * 7 + b"\x0f" + raw[8:]), UNFIT),
    Hostile("a pickle as weights, checksum right", with_weights(lambda raw: bomb()), UNFIT),
    Hostile("weights that are no numbers", with_values(not_a_number), "not finite"),
    Hostile("weights without their first", with_values(one_less), UNFIT),
    Hostile("text that is no JSON", lambda i, m: other_text(i, "model.json", b"<!DOCTYPE html>"), "JSON"),
    Hostile("an empty description", lambda i, m: other_text(i, "model.json", b""), "JSON"),
    Hostile("a description in Latin-1", lambda i, m: other_text(i, "model.json", "{'ü'".encode("latin-1")), "UTF-8"),
    Hostile("a list nested 20,000 deep", lambda i, m: other_text(i, "model.json", b"[" * 20_000), "JSON"),
    Hostile("a card in Latin-1", lambda i, m: other_text(i, "card.md", "Läsion".encode("latin-1")), "card.md is not"),
)
LYING = (
    Hostile("fewer inputs than the weights have", with_field(inputs=FLAIR_ONLY), UNFIT),
    Hostile("one input twice", with_field(inputs=[*FLAIR_ONLY, *FLAIR_ONLY, *FLAIR_ONLY]), "inputs"),
    Hostile("an input that nobody knows", with_field(inputs=[{"modality": "pet", "required": True}]), "modality"),
    Hostile("another network than the weights'", with_field(network={"kind": "unet-2d", "widths": [4, 6]}), UNFIT),
    Hostile("a network of 10^9 channels", with_field(network=WIDE), "network.widths.0"),
    Hostile("a network that nobody knows", with_field(network=NOT_TRAINED), "network"),
    Hostile("a bundle of a newer version", with_field(schema_version=2), "newer version of MSSoftSeg"),
    Hostile("a temperature beyond all numbers", with_field(calibration={"temperature": 1e400}), "temperature"),
    Hostile("a spacing that is no number", with_field(spacing_mm=float("nan")), "spacing_mm"),
    Hostile(
        "weights elsewhere", with_field(files=[{"name": "../../x.safetensors", "sha256": "0" * 64}]), "files.0.name"
    ),
    Hostile(
        "weights by the root", with_field(files=[{"name": "/etc/x.safetensors", "sha256": "0" * 64}]), "files.0.name"
    ),
    Hostile("a name that leads elsewhere", with_field(name="../../evil"), "name"),
    Hostile("a name in another script", with_field(name="病变模型"), "made of letters a–z"),
    Hostile("the name of the model that ships", with_field(name="starter"), "is the name of the model that ships"),
    Hostile("a description with a mark of Notepad", lambda i, m: marked(i), code=DONE, changes=True),
    Hostile(
        "a folder in another script",
        lambda i, m: imported(bundle(i / "病变 модель", name="ok")),
        "",
        DONE,
        changes=True,
    ),
)
INSTALLED = (
    Hostile("a model that is installed already", installed_twice, "something is called little already"),
    Hostile(
        "a file where the models are", lambda i, m: models_is_a_file(i, m, "import", str(bundle(i / "b"))), "models"
    ),
    Hostile("a file where the models are, listed", lambda i, m: models_is_a_file(i, m, "list"), "", DONE),
    Hostile("no right to import", no_right, "may not", rights=True),
    Hostile("two models of one name, listed", lambda i, m: twins(m, "list"), "", DONE),
    Hostile("two models of one name, verified", lambda i, m: twins(m, "verify"), "", DONE),
    Hostile(
        "a locked model beside others, listed",
        lambda i, m: beside_a_locked_one(m, "model.json", "list"),
        "",
        DONE,
        rights=True,
    ),
    Hostile(
        "a locked model beside others, verified",
        lambda i, m: beside_a_locked_one(m, "model.json", "verify"),
        "locked",
        rights=True,
    ),
    Hostile(
        "locked weights beside others, verified",
        lambda i, m: beside_a_locked_one(m, WEIGHTS, "verify"),
        "locked",
        rights=True,
    ),
    Hostile("a damaged model, verified", damaged_installed, "bad/model.json"),
    Hostile("a model that nobody knows, verified", plain("verify", "nobody"), "no model is called"),
    Hostile("a card that would move the cursor", lambda i, m: with_card(m, f"# Card {ESCAPE}"), "", DONE),
    Hostile("a version that would move the cursor", with_installed(version=ESCAPE + "\n* fake"), "", DONE),
    Hostile("the card of nobody", plain("card", "nobody"), "no model is called"),
    Hostile("a model to remove by ..", with_little("remove", "../models/little", "--yes"), "no imported model"),
    Hostile("a model to remove by no name", with_little("remove", "", "--yes"), "no imported model"),
    Hostile("a model to remove by .", with_little("remove", ".", "--yes"), "no imported model"),
    Hostile("the root to remove", with_little("remove", "/", "--yes"), "no imported model"),
    Hostile("the model that ships to remove", with_little("remove", "starter", "--yes"), "shipped models stay"),
    Hostile("a model that is a link to remove", linked_model, "", DONE, changes=True),
    Hostile(
        "a removal that nobody answers",
        with_little("remove", "little"),
        "cancelled",
        CANCELLED,
        shell='"$@" </dev/null',
    ),
    Hostile("a model and nobody listens", with_little("card", "little"), "", DONE, shell='"$@" | true'),
    Hostile("a list and nobody listens", with_little("list"), "", DONE, shell='"$@" >&-'),
    Hostile("a list on a full disk", with_little("list"), "standard output", LACKS, shell='"$@" >/dev/full'),
    Hostile(
        "a list where only ASCII is shown",
        with_installed(licence="Лицензия"),
        "",
        DONE,
        shell='PYTHONIOENCODING=ascii "$@"',
    ),
)
DECISIONS = (
    Hostile("a history in Latin-1", lambda i, m: with_history(m, b"\xff\xfe{\xe4\n", "list"), "", DONE),
    Hostile(
        "a history in Latin-1, shown",
        lambda i, m: with_history(m, decision(reason="x") + b"\xe4\n", "history"),
        "",
        DONE,
    ),
    Hostile("a history nested 20,000 deep", lambda i, m: with_history(m, b"[" * 20_000 + b"\n", "history"), "", DONE),
    Hostile("a history that is a folder", history_is_a_folder, "", DONE),
    Hostile(
        "a default that leads elsewhere", lambda i, m: with_history(m, decision(model="../../evil"), "card"), "", DONE
    ),
    Hostile("a default that is gone", lambda i, m: with_history(m, decision(), "card"), "", DONE),
    Hostile("a promotion of a pickle", lambda i, m: promoted(a_file(i, "model.pt", bomb())[-1]), FILE),
    Hostile("a promotion of nobody", plain("promote", "nobody"), "no model is called"),
    Hostile("a promotion of nothing", plain("promote", ""), "model: "),
    Hostile(
        "a promotion of a lying model",
        lambda i, m: promoted(with_field(inputs=FLAIR_ONLY)(i, m)[-1], "--accept-worse"),
        UNFIT,
    ),
    Hostile(
        "a promotion both ways",
        with_little("promote", "little", "--candidate", "--discard"),
        "either kept or discarded",
    ),
    Hostile("the model that ships to discard", plain("promote", "starter", "--discard"), "ships and stays"),
    Hostile("a folder of anybody's to discard", lambda i, m: promoted(str(i), "--discard"), NO_BUNDLE),
)
DECISIONS += (
    Hostile(
        "a model to discard beside a damaged one",
        lambda i, m: beside_a_damaged_one(m, "promote", "little", "--discard"),
        code=DONE,
        changes=True,
    ),
    Hostile("a candidate with the name of a damaged one", name_of_a_damaged_one, code=DONE, changes=True),
)
INPUTS = (*WRONG_KIND, *DAMAGED, *LYING, *INSTALLED, *DECISIONS)
