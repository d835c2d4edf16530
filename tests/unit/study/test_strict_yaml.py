"""Configuration files that YAML reads otherwise than meant, and a checker that no configuration brings down."""

import copy
import random
from contextlib import suppress

import pytest
import yaml

from pretraining_robustness.errors import InputError
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.keys import read_values
from pretraining_robustness.study.shorthand import leave_out, replace_sections, write_out
from pretraining_robustness.study.strict_yaml import check_yaml, line_of, meant_as_number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb:\n  x: {source: s}\n  y: 2\n  x: {source: t}\n", "line 5: the key x stands on line 3 already"),
        ("a: {x: 1, y: 2, x: 3}\n", "line 1: the key x stands on line 1 already"),
        ("a: 1\n'a': 2\n", "line 2: the key a stands on line 1 already"),
        ("b: 1\n2017: {a: 1}\n", "line 2: the key 2017 is a number, not text; put a name in quotes"),
        ("b:\n  - {no: 1}\n", "line 2: the key no is true or false, not text"),
        ("null: 1\n", "line 1: the key null is nothing, not text"),
        ("b: {images: 150,000, x: 1}\n", "line 1: the key 000 is a number.*no comma between thousands"),
        ("b: 1\nseed: 010\n", "line 2: YAML reads 010 as the octal number 8"),
        ("names: [001]\n", "line 1: YAML reads 001 as the octal number 1.*'001' in quotes"),
        ("ratio: 12:30\n", "line 1: YAML reads 12:30 as a number of base 60"),
        ("rate: .nan\n", r"line 1: \.nan is not a number"),
        ("rate: -.inf\n", r"line 1: -\.inf is not a number"),
        ("a: 1\nb: [1\nc: 2\n", r"line 3: not YAML \(did not find expected ',' or ']'\); mend it"),
        ("a: {b: 1}\n\tc: 2\n", r"line 2: not YAML \(.*\); mend it: indent with spaces, not tabs"),
        ("a: 1\nlabel: Mine: all\n", "line 2: not YAML .*: ' or begins with one of .* in quotes"),
        ("a: b\0\n", r"not YAML \(.*control characters are not allowed"),
        ("a: 1\n---\na: 2\n", r"line 2: not YAML \(but found another document"),
        ("", "the configuration is empty; write its keys as"),
        ("# a: 1\n", "the configuration is empty"),
        ("- a: 1\n", "the configuration is not a table of keys"),
        (b"a: 1\nb: K\xe4fer\n", "line 2: not UTF-8; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "line 1: not UTF-8"),
    ],
)
def test_what_is_read_otherwise_than_meant_is_refused_with_its_line(tmp_path, text, words):
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=rf"study\.yaml(, |: ){words}"):
        check_yaml(path)


def test_the_studies_of_the_repository_are_strict(repository):
    for path in [repository / "config.yaml", *(repository / "data/studies").glob("*.yaml")]:
        check_yaml(path)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", "1.0e-3"), ("1E5", "1.0e+5"), ("2.5e5", "2.5e+5"), ("150,000", "150000"), ("1,234.5", "1234.5"),
     ("1,2", None), ("n01440764", None), ("1e", None)],
)  # fmt: skip
def test_numbers_that_are_text_have_another_form(text, number):
    assert meant_as_number(text) == number
    if number:
        assert isinstance(yaml.safe_load(number), int | float)


def test_lines_are_those_of_the_file_that_has_the_key(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("x:\n  y: 1\n")
    second.write_text("\nx:\n  z: [1,\n   2]\n")
    assert line_of(["x", "z", 1], [first, second]) == f"{second}, line 4"
    assert line_of(["x", "y"], [first, second]) == f"{first}, line 2"
    assert line_of(["q"], [first, second]) == ""


def places(config, path=()):
    """Yield the path of everything in a configuration."""
    entries = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


def test_no_configuration_brings_the_checker_down(config, repository):
    draw = random.Random(0)
    odd = [None, True, 2017, -1, 1.5, "", "x", "2017", [], {}, [None], [[1]], {"x": None}, {2017: {}}, {None: 1}]
    sections = [("distributions",), ("distributions", "imagenet_5k"), ("sources",), ("sources", "imagenet"), ("tasks",)]
    for path in [*sections, *draw.sample(sorted(places(config), key=str), 100)]:
        changed = copy.deepcopy(config) | {"replaces": ["distributions"]}
        changed["left_out"].append("inaturalist")
        owner = changed
        for part in path[:-1]:
            owner = owner[part]
        owner[path[-1]] = draw.choice(odd)
        replace_sections(changed, copy.deepcopy(changed))
        leave_out(changed)
        write_out(changed)
        with suppress(InputError):
            check_config(changed, repository)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"recipes": {"finetune": {"epochs": "3"}}}, {"recipes": {"finetune": {"epochs": 3}}}),
        ({"trends": {"confidence": "0.9", "scales": ["logit"]}}, {"trends": {"confidence": 0.9, "scales": ["logit"]}}),
        ({"runs": {"seeds": ["0", "1"]}}, {"runs": {"seeds": [0, 1]}}),
        ({"recipes": {"pretrain": {"compile": "true", "steps": "null"}}},
         {"recipes": {"pretrain": {"compile": True, "steps": None}}}),
        ({"sources": {"imagenet": {"label": "2012"}}, "figures": {"fig4": "null"}},
         {"sources": {"imagenet": {"label": "2012"}}, "figures": {"fig4": None}}),
        ({"architectures": {"mine": {"arguments": {"layers": ["1", "a: b"]}}}},
         {"architectures": {"mine": {"arguments": {"layers": [1, "a: b"]}}}}),
        ({"left_out": ["imagenet_5k"], "study": "2017"}, {"left_out": ["imagenet_5k"], "study": "2017"}),
    ],
)  # fmt: skip
def test_nested_values_of_the_command_line_are_read_as_yaml(given, read):
    assert read_values(given) == read
