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

    def __init__(self, folder, repository):
        self.folder, self.snakefile = folder, repository / "Snakefile"
        self.more = ""  # lines of the configuration that no program writes
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
        self.study = yaml.safe_load((repository / "data/studies/own_folders.yaml").read_text(encoding="utf-8"))
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
        text = yaml.safe_dump(self.study, allow_unicode=True) + self.more
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


def misspelt(holder, name, value):
    """A name of the configuration that is not one."""
    return key(holder, name, value, meant)


def table(old, new, back=None, path=METADATA, count=1):
    """A fault of a table: text that stands for other text, and what is then written in its place."""
    return (
        lambda own: own.edit(path, old, new, count),
        lambda own, line: own.edit(path, new, old if back is None else back, count),
    )


def text(wrong, right):
    """A line of the configuration as YAML reads it otherwise than meant, and as the message says to write it."""

    def write(own, line):
        own.more = line

    return lambda own: write(own, f"{wrong}\n"), lambda own, line: write(own, f"{right}\n")


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


def study(own):
    return own.study


def figures(own):
    return own.study["figures"]


CONFIGURATION = {
    "a key twice": (*text("study: again", ""), "the key study stands on line .*; remove or rename one"),
    "octal": (*text("world_seed: 010", "world_seed: 10"), "octal number 8; write the number without its zeros"),
    "a key": (*key(study, "figurs", {}, None), "unknown key 'figurs' .*did you mean 'figures'"),
    "1e-3": (
        *key(study, "recipes", {"finetune": {"learning_rate": "1e-3"}}, {"finetune": {"learning_rate": 1.0e-3}}),
        r"write 1\.0e-3",
    ),
    "an architecture": (
        *misspelt(lambda own: own.study["runs"]["architectures"], 0, "resnet_10"),
        "is not an architecture",
    ),
    "a split": (
        *key(
            lambda own: own.task["test_sets"],
            "test",
            {"role": "ood", "split": "tset"},
            lambda line: {"role": "ood", "split": meant(line)},
        ),
        "'tset' is not a split",
    ),
    "a target's name": (
        *key(figures, "plan", {"kind": "pipeline", "title": "P"}, None),
        "'plan' is a rule or a target .*rename it",
    ),
    "too many images": (
        *key(lambda own: own.distributions["my_source_500"], "images", 500, 6),
        "have 12; lower 'images'",
    ),
    "no such synsets": (
        *key(
            lambda own: own.distributions,
            "dogs",
            {"source": "wnids", "classes": {"under": "n02084071"}},
            {"source": "wnids", "classes": {"under": "n00015388"}},
        ),
        "wnids has none of these classes; choose others",
    ),
    "no synset": (
        *key(
            lambda own: own.distributions,
            "animals",
            {"source": "wnids", "classes": {"under": "n00015387"}},
            {"source": "wnids", "classes": {"under": "n00015388"}},
        ),
        "config distributions.animals: 'n00015387' is not a synset .*take a wnid of data/imagenet_classes.csv",
    ),
    "no table of superclasses": (
        *key(lambda own: own.study["label_maps"]["kinds"], "table", "kind.csv", "kinds.csv"),
        "kind.csv: there is no such table of superclasses .*; correct the path",
    ),
    "an unknown place": (
        *key(
            lambda own: own.task,
            "splits",
            {"by": "place", "column": "camera", "test": ["c9"], "id_test": 0.2},
            lambda line: {
                "by": "place",
                "column": "camera",
                "test": [re.search("values: (.*?),", line)[1]],
                "id_test": 0.2,
            },
        ),
        "no image is left with the camera c9",
    ),
    "an unknown column": (
        *key(lambda own: own.task, "clusters", "site", "camera"),
        "no column site, .*or name another one",
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
    "a spreadsheet": (
        lambda own: own.rename("theirs.csv", "kept.csv") or (own.folder / "theirs.csv").write_bytes(b"PK\x03\x04"),
        lambda own, line: own.rename("kept.csv", "theirs.csv"),
        "save the .* as CSV in UTF-8",
    ),
    "percentages": (
        *table("0.5,0.4", "50,40", path="theirs.csv"),
        r"line 2: model A: id is not in \[0, 1\] .*; name the columns id_percent",
    ),
    "no such model": (
        *table("B,0.6", "A,0.6", path="theirs.csv"),
        "line 3: .*appears twice in its group.*; keep one row",
    ),
    "no header": (
        *table("filename,y,split,class_name,camera\n", ""),
        "no columns filename, y, split; it has .*; name the columns in the first line",
    ),
    "a column": (*table("split,", "splits,"), "no column split; it has filename, y, splits, .*name the columns"),
    "a column twice": (*table("class_name,camera", "camera,camera"), "the column camera occurs twice; rename"),
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
    "a value less": (
        *table("train/0.png,0,train,Tier,c0", "train/0.png,0,train,Tier", "train/0.png,0,train,Tier,"),
        "line 2: the row has 4 values .*empty where there is none",
    ),
    "a quotation mark": (*table("train,Tier", 'train,"Tier'), "line 2: a quotation mark .*; close or remove it"),
    "a split in a table": (
        *table(",id_val,", ",validation,", count=-1),
        "line 6: split 'validation' is unknown: the splits are train, id_val",
    ),
    "nothing to train on": (*table(",train,", ",val,", count=4), "no image has the split train.*; give it to some"),
    "a label": (*table("0.png,0,", "0.png,zero,", count=-1), "line 2: y is 'zero', not a whole number"),
    "labels with a gap": (
        *table(".png,1,", ".png,2,", count=-1),
        "from 0 to 2 without a gap, but none is 1; number the classes anew",
    ),
    "no such image": (
        *table("train/0.png", "train/0.PNG"),
        "task/train/0.PNG: line 2 of metadata.csv names it, but no such file is there: correct it",
    ),
    "outside": (
        *table("train/0.png", "/data/train/0.png"),
        "line 2: .* leaves the folder: give it relative to the folder",
    ),
    "twice": (*table("train/1.png", "./train/0.png"), "line 3: .* occurs for the second time, first on line 2"),
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
    "no captions": (
        *table("image,caption", "image,words", path="pairs/captions.csv"),
        "the column caption or title is missing; it has image, words; add or rename one",
    ),
    "no caption": (
        *table("train/0.png,picture 0 of train", "train/0.png,", path="pairs/captions.csv"),
        "line 2: image 'train/0.png' has no caption",
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
    "an empty class": (
        lambda own: (own.folder / "photos/new").mkdir(),
        lambda own, line: named(own, line).rmdir(),
        "photos/new: the class has no image .*: remove its folder",
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
    "a folder that a link leads to": (
        link("/nowhere", "photos/old"),
        remove,
        "photos/old: the link leads nowhere; mend or remove it",
    ),
    "an image that a link leads to": (
        link("/nowhere", "photos/cat/9.jpg"),
        remove,
        "9.jpg: the link leads to /nowhere, where nothing is: mend or remove it",
    ),
    "an empty file": (
        lambda own: (own.folder / "photos/cat/9.jpg").touch(),
        remove,
        "9.jpg: the file is empty: fetch or remove it",
    ),
    "a pipe": (lambda own: os.mkfifo(own.folder / "photos/cat/9.jpg"), remove, "and is no file: rename or remove it"),
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
def test_what_a_message_says_to_do_works(tmp_path, repository, faults):
    own = Own(tmp_path, repository)
    for name, (spoil, mend, words) in faults.items():
        spoil(own)
        line = own.plan(fails=True)
        assert re.search(words, line), f"{name}: {line}"
        mend(own, line)
    own.plan(fails=False)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda good: b"", "the configuration is empty; write its keys"),
        (lambda good: b"- " + good.replace(b"\n", b"\n  "), "the configuration is not a table of keys"),
        (
            lambda good: good.replace(b"label: ImageNet", b"label: K\xe4fer"),
            r"line \d+: not UTF-8; save the file as UTF-8",
        ),
        (
            lambda good: good + b"about: mine: all of it\n",
            r"line \d+: not YAML \(.*put text that holds ': ' .* in quotes",
        ),
    ],
)
def test_a_config_yaml_that_snakemake_cannot_read_is_refused_by_us(tmp_path, repository, spoil, words):
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("Snakefile", "rules", "workflow_scripts", "envs", "data"):
        (clone / name).symlink_to(repository / name)
    good = (repository / "config.yaml").read_bytes()
    (clone / "config.yaml").write_bytes(spoil(good))
    own = Own(tmp_path, clone)
    assert re.search(f"clone/config.yaml(: |, ){words}", own.plan(fails=True))
    (clone / "config.yaml").write_bytes(good)
    own.plan(fails=False)
