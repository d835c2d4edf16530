"""Write imagenet_classes.csv and imagenet_hypernyms.csv from WordNet 3.0 and the list of ImageNet's 1000 wnids.

    python data/make_imagenet_classes.py --wordnet /usr/share/wordnet --wnids imagenet_synsets.txt --to data

WordNet 3.0 is Debian's package wordnet-base (1:3.0-37; files data.noun and index.noun). A wnid is "n" and the byte
offset of a synset in data.noun of this very version. The wnids in order of class index come with the timm package
(timm/data/_info/imagenet_synsets.txt).

Both tables hold the whole hierarchy above the 1000 classes, with every hypernym (a synset can have several):
    wnid       of the synset
    synset     its name in the convention of NLTK: first lemma, part of speech, number of the sense
    name       its lemmas, joined by ", " as in ImageNet's own devkit
    depth      edges on the shortest path of hypernyms to entity.n.01
    hypernyms  wnids of the direct hypernyms, sorted by their synset's name, separated by a space
imagenet_classes.csv has one row a class and the column `index` (0 to 999, wnids sorted); imagenet_hypernyms.csv has the
860 synsets above.
"""

import argparse
import csv
from functools import cache
from pathlib import Path


def read_synsets(wordnet: Path) -> dict[str, tuple[str, list[str], list[str]]]:
    """Return wnid: (synset name, lemmas, hypernyms' wnids) of all nouns; format: WordNet's manual page wndb(5WN)."""
    senses: dict[tuple[str, str], int] = {}
    for line in (wordnet / "index.noun").read_text().splitlines():
        if line.startswith(" "):
            continue  # the licence
        fields = line.split()
        offsets = fields[-int(fields[2]) :]
        senses.update(((fields[0], offset), number) for number, offset in enumerate(offsets, start=1))

    synsets = {}
    for line in (wordnet / "data.noun").read_text().splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        offset, word_count = fields[0], int(fields[3], 16)
        lemmas = fields[4 : 4 + 2 * word_count : 2]
        pointers = fields[4 + 2 * word_count + 1 :]
        hypernyms = [
            f"n{pointers[i + 1]}" for i in range(0, 4 * int(fields[4 + 2 * word_count]), 4) if pointers[i] == "@"
        ]
        first = lemmas[0].lower()
        synset = f"{first}.n.{senses[first, offset]:02d}"
        synsets[f"n{offset}"] = (synset, [lemma.replace("_", " ") for lemma in lemmas], hypernyms)
    return synsets


def write_tables(wordnet: Path, wnids: Path, to: Path) -> None:
    """Write the two tables described above."""
    synsets = read_synsets(wordnet)
    classes = sorted(wnids.read_text().split())

    @cache
    def depth(wnid: str) -> int:
        hypernyms = synsets[wnid][2]
        return 1 + min(map(depth, hypernyms)) if hypernyms else 0

    above: set[str] = set()
    waiting = list(classes)
    while waiting:
        new = set(synsets[waiting.pop()][2]) - above
        above |= new
        waiting += new

    def row(wnid: str) -> list[str | int]:
        synset, lemmas, hypernyms = synsets[wnid]
        by_name = sorted(hypernyms, key=lambda hypernym: synsets[hypernym][0])
        return [wnid, synset, ", ".join(lemmas), depth(wnid), " ".join(by_name)]

    columns = ["wnid", "synset", "name", "depth", "hypernyms"]
    with (to / "imagenet_classes.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", *columns])
        writer.writerows([index, *row(wnid)] for index, wnid in enumerate(classes))
    with (to / "imagenet_hypernyms.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(row(wnid) for wnid in sorted(above - set(classes)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write ImageNet's classes and their hypernyms as two tables.")
    parser.add_argument(
        "--wordnet", type=Path, required=True, help="folder with WordNet 3.0's data.noun and index.noun"
    )
    parser.add_argument("--wnids", type=Path, required=True, help="text file with the 1000 wnids, one a line")
    parser.add_argument("--to", type=Path, required=True, help="folder for the tables")
    arguments = parser.parse_args()
    write_tables(arguments.wordnet, arguments.wnids, arguments.to)
