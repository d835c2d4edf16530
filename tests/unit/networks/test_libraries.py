"""What planning reads off the libraries' files is what the libraries say of themselves."""

import inspect
import subprocess
import sys

import open_clip
import timm
import torchvision.models as models

from pretraining_robustness.networks import libraries
from pretraining_robustness.networks.architectures import FAMILIES, build
from pretraining_robustness.networks.clip_models import ARGUMENTS


def test_the_names_are_those_of_the_libraries():
    named = models.list_models(module=models)
    assert set(libraries.builders()) == {*named, *FAMILIES}
    assert set(libraries.models_of("timm")) == set(timm.list_models())
    assert set(libraries.models_of("open_clip")) == set(open_clip.list_models())


def test_no_published_weights_of_timm_are_refused():
    spelt_out = {model: set(libraries.weights_of(model)) for model in ("resnet50", "vit_base_patch16_224")}
    for model, names in spelt_out.items():
        assert set(timm.list_pretrained(f"{model}.*")) <= names


def test_arguments_are_those_of_the_classes():
    assert set(libraries.arguments_of("ResNet")) == {
        *set(inspect.signature(models.ResNet).parameters) - {"num_classes"},
        "widths",
    }
    assert libraries.arguments_of("resnet18") == [name for name in libraries.arguments_of("ResNet") if name != "widths"]
    assert set(libraries.arguments_of("vit_b_16")) == set(inspect.signature(models.VisionTransformer).parameters) - {
        "num_classes"
    }
    assert set(libraries.arguments_of("open_clip")) == set(ARGUMENTS)
    build({"builder": "vit_b_32", "arguments": {"image_size": 32, "dropout": 0.1}}, 2)
    assert {"image_size", "dropout"} <= set(libraries.arguments_of("vit_b_32"))
    assert libraries.arguments_of("convnext_tiny") is None  # hands on what it does not know


def test_nothing_is_known_of_a_library_that_is_not_there_and_none_is_imported():
    program = (
        "import sys; import pretraining_robustness.networks.libraries as libraries\n"
        "assert libraries.models_of('timm') and libraries.builders() and libraries.arguments_of('ResNet')\n"
        "assert not {'torch', 'torchvision', 'timm', 'open_clip'} & set(sys.modules)\n"
        "libraries._text.cache_clear(); libraries._torchvision.cache_clear(); libraries.find_spec = lambda name: None\n"
        "assert libraries.models_of('timm') is libraries.builders() is libraries.arguments_of('resnet18') is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(filter(None, sys.path))})
