"""What a message says to do is done to the letter, and the same command goes on.

One study of a user's own is spoilt and mended, fault by fault. Every fault is planned once, and the last line is its
message. All that was mended stays mended, so that the plan at the end, which goes on, shows that every remedy works.
"""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
import snakemake.cli
import yaml
from PIL import Image

METADATA = "task/metadata.csv"
TARGETS = ["my_figure", *(f"own/results/stores/{name}/images.npy" for name in ("my_task", "tree", "my_pairs", "wnids"))]


def draw(path, number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)


def planned(folder, targets, files):
    """Plan in a process of its own that has imported Snakemake already, which is half of the time.

    Return whether it failed, and what it printed.
    """
    child = os.fork()
    if not child:
        os.chdir(folder)
        with open("printed", "w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
            sys.argv = ["snakemake", *targets]
            code = 1
            try:
                snakemake.cli.main([*targets, *files, "--dry-run", "--cores", "2"])
            except SystemExit as ended:
                code = ended.code
                if isinstance(code, str):  # as Python prints it
                    print(code, file=file)
            file.flush()
            os._exit(code if isinstance(code, int) else 1)
    failed = os.waitpid(child, 0)[1] != 0
    return failed, (folder / "printed").read_text(encoding="utf-8")


class Own:
    """A study of one's own: a configuration, and folders of images and tables; with what a user does to them."""

    def __init__(self, folder, repository, own_study):
        self.folder, self.snakefile = folder, repository / "Snakefile"
        for number, name in enumerate(("cat", "dog", "owl")):
            for picture in range(4):
                draw(self.folder / f"photos/{name}/{picture}.jpg", 10 * number + picture)
        rows = ["filename,y,split,class_name,camera"]
        captions = ["image,caption"]
        for place, split in enumerate(("train", "id_val", "id_test", "val", "test")):
            for number in range(4):
                image = f"{split}/{number}.png"
                draw(self.folder / "task" / image, 100 + 10 * place + number)
                draw(self.folder / f"tree/{split}/{'ab'[number % 2]}/{number}.png", 200 + 10 * place + number)
                draw(self.folder / "pairs" / image, 300 + 10 * place + number)
                rows.append(f"{image},{number % 2},{split},{('Tier', 'Käfer')[number % 2]},c{place}")
                captions.append(f"{image},picture {number} of {split}")
        for wnid in ("n01440764", "n02667093"):
            draw(self.folder / f"wnids/{wnid}/1.jpg")
        (self.folder / METADATA).write_text("\n".join(rows) + "\n", encoding="utf-8")
        (self.folder / "pairs/captions.csv").write_text("\n".join(captions) + "\n", encoding="utf-8")
        (self.folder / "theirs.csv").write_text(
            "model,id,ood,group\nA,0.5,0.4,theirs\nB,0.6,0.5,theirs\nC,0.7,0.6,theirs\n"
        )
        (self.folder / "kinds.csv").write_text("class,kind\ncat,mammal\ndog,mammal\nowl,bird\n")
        self.study = own_study()
        self.source, self.task = self.study["sources"]["my_source"], self.study["tasks"]["my_task"]
        self.source["path"], self.task["path"] = "photos", "task"
        self.study["tasks"]["tree"] = {**self.task, "path": "tree", "label": "Tree"}
        self.study["sources"]["my_pairs"] = {"format": "image_text", "path": "pairs"}
        self.study["sources"]["wnids"] = {"format": "folder", "path": "wnids"}
        kinds = {"source": "my_source", "table": "kinds.csv", "key": "class", "column": "kind", "label": "kinds"}
        self.study["label_maps"] = {"kinds": kinds}
        self.distributions = self.study["distributions"]
        self.distributions["my_source_500"] = {"source": "my_source", "images": 6}
        self.distributions["coarse"] = {"source": "my_source", "labels": "kinds"}
        self.figure = self.study["figures"]["my_figure"]
        self.figure["published"] = ["theirs.csv"]
        self.figure["panels"][0]["series"] += ["coarse", "theirs"]
        self.study["runs"] = {"architectures": ["resnet10"], "seeds": [0], "seeds_of": {"scratch": [0]}}
        self.study["architectures"] = {}
        self.study["effective_robustness"] = {"baselines": ["scratch"]}

    def plan(self, fails):
        """Plan all targets, and return the last line."""
        text = yaml.safe_dump(self.study, allow_unicode=True)
        (self.folder / "study.yaml").write_text(text, encoding="utf-8")
        made = [f"own/results/distributions/{name}/promises.csv" for name in self.distributions]
        files = ["--snakefile", str(self.snakefile), "--directory", str(self.folder), "--configfile", "study.yaml"]
        failed, printed = planned(self.folder, [*TARGETS, *made], files)
        assert failed == fails, printed[-3000:]
        assert "Traceback (most recent call last)" not in printed
        return [line for line in printed.splitlines() if line.startswith("ERROR: ") or not fails][-1]

    def edit(self, path, old, new, count=-1):
        """Replace text of a table."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, count), encoding="utf-8")

    def rename(self, old, new):
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)


def meant(line):
    """The name that a message supposes."""
    return re.search(r"did you mean '(.+?)'\?", line)[1]


def key(holder, name, value, mend):
    """A fault of the configuration: `name` of what `holder` finds becomes `value`, and then what `mend` makes of it."""

    def spoil(own):
        holder(own)[name] = value

    def remedy(own, line):
        if mend is None:
            del holder(own)[name]
        else:
            holder(own)[name] = mend(line) if callable(mend) else mend

    return spoil, remedy


def table(old, new, back=None, path=METADATA, count=1):
    """A fault of a table: text that stands for other text, and what is then written in its place."""
    return (
        lambda own: own.edit(path, old, new, count),
        lambda own, line: own.edit(path, new, old if back is None else back, count),
    )


def as_text(own, line):
    """Do what the message says, with the command that it gives."""
    command = re.search(r"\((iconv .*?),", line)[1].replace("OLD", METADATA).replace("NEW", "new.csv")
    subprocess.run(command, shell=True, check=True, cwd=own.folder)
    shutil.move(own.folder / "new.csv", own.folder / METADATA)


def in_other_bytes(own, encoding):
    file = own.folder / METADATA
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))


def other_forms(own):
    """A class's folder twice, in both forms of Unicode, as copies between macOS and Linux leave it."""
    for form, number in (("NFC", 1), ("NFD", 2)):
        draw(own.folder / f"photos/{unicodedata.normalize(form, 'Käuze')}/{number}.jpg")


def join(own, line):
    one, other = (own.folder / "photos" / unicodedata.normalize(form, "Käuze") for form in ("NFC", "NFD"))
    for image in other.iterdir():
        image.rename(one / image.name)
    other.rmdir()
    own.edit("kinds.csv", "owl,bird", "owl,bird\nKäuze,bird")


def named(own, line):
    """Return the path with which a message begins."""
    return own.folder / re.match(r"ERROR: (.*?):", line)[1]


def in_train(own):
    own.rename("photos", "p/train")
    shutil.copytree(own.folder / "p/train", own.folder / "p/val")
    own.rename("p", "photos")


def give_train(own, line):
    own.source["path"] = re.search(r"give (\S+) as the source's path", line)[1]


def latin_1(own):
    with open(os.fsencode(own.folder / "photos/cat") + b"/caf\xe9.jpg", "wb") as file:
        file.write((own.folder / "photos/cat/0.jpg").read_bytes()[:-1] + b"\0")


def to_utf_8(own, line):
    """What `convmv -f latin1 -t utf8 --notest` does, which the message names."""
    wrong = os.fsencode(own.folder / "photos/cat") + b"/caf\xe9.jpg"
    os.rename(wrong, wrong.decode("latin-1").encode())  # noqa: PTH104


def link(target, path):
    return lambda own: (own.folder / path).symlink_to(target)


def remove(own, line):
    named(own, line).unlink()


def skip(own, line):
    assert "set store.on_undecodable to skip in the config" in line
    own.study["store"] = {"on_undecodable": "skip"}


def by_camera(name):
    return {"by": "place", "column": "camera", "test": [name], "id_test": 0.2}


CONFIGURATION = {
    "an architecture": (
        *key(lambda own: own.study["runs"]["architectures"], 0, "resnet_10", meant),
        "is not an architecture",
    ),
    "a target's name": (
        *key(lambda own: own.study["figures"], "plan", {"kind": "pipeline", "title": "P"}, None),
        "'plan' is a rule or a target .*rename it",
    ),
    "an unknown place": (
        *key(
            lambda own: own.task,
            "splits",
            by_camera("c9"),
            lambda line: by_camera(re.search("values: (.*?),", line)[1]),
        ),
        "no image is left with the camera c9",
    ),
}

TABLES = {
    "semicolons": (
        lambda own: own.edit(METADATA, ",", ";"),
        lambda own, line: own.edit(METADATA, ";", ","),
        "save the table with commas",
    ),
    "another encoding": (
        lambda own: in_other_bytes(own, "cp1252"),
        as_text,
        "line 3: the byte 0xe4 is not UTF-8; save the table as UTF-8",
    ),
    "no header": (
        *table("filename,y,split,class_name,camera\n", ""),
        "no columns filename, y, split; it has .*; name the columns in the first line",
    ),
    "a value more": (
        *table(
            "train/0.png,0,train,Tier", "train/0.png,0,train,Tier, wild", 'train/0.png,0,train,"Tier, wild"', count=1
        ),
        "line 2: the row has 6 values .*put values that hold a separator in quotation marks",
    ),
    "two names": (
        lambda own: None,
        lambda own, line: own.edit(METADATA, '"Tier, wild"', "Tier"),
        "line 4: label 0 has several names: Tier, wild and Tier; give it one",
    ),
    "no such image": (
        *table("train/0.png", "train/0.PNG"),
        "task/train/0.PNG: line 2 of metadata.csv names it, but no such file is there: correct it",
    ),
    "no class for a superclass": (
        lambda own: own.edit("kinds.csv", "owl,bird\n", ""),
        lambda own, line: own.edit("kinds.csv", "dog,", "owl,bird\ndog,"),
        "no superclass for class owl .*add them to the table",
    ),
    "two captions": (
        lambda own: (own.folder / "pairs/old.csv").write_text("image,caption\n"),
        lambda own, line: (own.folder / "pairs/old.csv").unlink(),
        "leave one kind in it",
    ),
}

FOLDERS = {
    "no folder": (
        lambda own: own.rename("photos", "pictures"),
        lambda own, line: own.source.update(path="pictures"),
        "photos: no such folder",
    ),
    "other forms": (
        lambda own: own.rename("pictures", "photos") or own.source.update(path="photos") or other_forms(own),
        join,
        "the same name in other Unicode forms; join the two",
    ),
    "a class of other files": (
        lambda own: (
            (own.folder / "photos/dog/new").mkdir()
            or (own.folder / "photos/new").mkdir()
            or (own.folder / "photos/new/1.svg").write_bytes(b"x")
        ),
        lambda own, line: (
            (own.folder / "photos/new/1.svg").unlink()
            or draw(own.folder / "photos/new/1.png")
            or own.edit("kinds.csv", "owl,bird", "owl,bird\nnew,bird")
        ),
        r"it holds 1 files of \.svg: remove its folder, or convert what is in it",
    ),
    "a name in Latin-1": (
        latin_1,
        to_utf_8,
        r"caf\\xe9.jpg: the name is not UTF-8: rename it \(convmv -r -f latin1 -t utf8",
    ),
    "another damaged image": (
        lambda own: (own.folder / "photos/cat/8.jpg").touch(),
        skip,
        "or set store.on_undecodable to skip",
    ),
    "splits": (in_train, give_train, "its folders are splits .*not classes: give photos/train as the source's path"),
    "a task without a table": (
        lambda own: own.rename(METADATA, "task/labels.csv"),
        lambda own, line: (own.folder / "task/labels.csv").rename(
            named(own, line).parent / re.search(r"or write task/(\S+)", line)[1]
        ),
        r"task/train: no class folder with images in it \(4 images .*or write task/metadata.csv",
    ),
    "a strange split": (
        lambda own: own.rename("tree/id_val", "tree/validation"),
        lambda own, line: own.rename("tree/validation", "tree/id_val"),
        "tree/validation: a task without metadata.csv has a folder for each split .*rename or remove",
    ),
    "an empty split": (
        lambda own: own.rename("tree/id_val", "aside") or (own.folder / "tree/id_val").mkdir(),
        lambda own, line: named(own, line).rmdir(),
        "tree/id_val: no class folder with images in it .*remove it",
    ),
    "a split that is measured on": (
        lambda own: own.rename("tree/test", "aside_test"),
        lambda own, line: own.rename("aside_test", "tree/test"),
        "tree: no image has the split test, on which the study measures",
    ),
    "no classes": (
        lambda own: (
            own.rename("wnids", "w/n")
            or own.rename("w", "wnids")
            or [draw(own.folder / "wnids/1.jpg"), shutil.move(own.folder / "wnids/n", own.folder / "kept")]
        ),
        lambda own, line: [own.rename(f"kept/{name}", f"wnids/{name}") for name in ("n01440764", "n02667093")],
        "wnids: no class folder in it, but 1 images beside",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("faults", [CONFIGURATION, TABLES, FOLDERS], ids=["configuration", "tables", "folders"])
def test_what_a_message_says_to_do_works(tmp_path, repository, own_study, faults):
    own = Own(tmp_path, repository, own_study)
    for name, (spoil, mend, words) in faults.items():
        spoil(own)
        line = own.plan(fails=True)
        assert re.search(words, line), f"{name}: {line}"
        mend(own, line)
    own.plan(fails=False)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda good: b"- " + good.replace(b"\n", b"\n  "), "the configuration is not a table of keys"),
        (
            lambda good: good.replace(b"label: ImageNet", b"label: K\xe4fer"),
            r"line \d+: not UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_a_config_yaml_that_snakemake_cannot_read_is_refused_by_us(tmp_path, repository, own_study, spoil, words):
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("Snakefile", "rules", "workflow_scripts", "envs", "data"):
        (clone / name).symlink_to(repository / name)
    good = (repository / "config.yaml").read_bytes()
    (clone / "config.yaml").write_bytes(spoil(good))
    own = Own(tmp_path, clone, own_study)
    assert re.search(f"clone/config.yaml(: |, ){words}", own.plan(fails=True))
    (clone / "config.yaml").write_bytes(good)
    own.plan(fails=False)
