"""The configuration as dataclasses: every key with its type, choices, default and description, said here alone.

`check.py` validates a configuration with these classes while planning, `describe.py` writes the JSON schema for editors
and docs/configuration.md from them. A key without a default is required. `null` means that an optional key is not set;
among the keys of a recipe it sets one to nothing. `Name` marks a string that
names something else in the configuration.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Required

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf
from pydantic import AfterValidator, ConfigDict, Field, Strict, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict, dataclass_transform

from pretraining_robustness.stable_diffusion.settings import SCHEDULERS
from pretraining_robustness.store.formats import SOURCES, TASKS
from pretraining_robustness.store.frame import Encoding, Fit, OnUndecodable


@dataclass(frozen=True)
class Name:
    """Marks a string as the name of something: a key of `check.KNOWN`, which tells what there is of it."""

    of: str


def _once(values: list[Hashable]) -> list[Hashable]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise PydanticCustomError("repeated", "{value} is listed twice", {"value": repr(value)})
    return values


def _range(values: list[float] | None) -> list[float] | None:
    if values is not None and not 0 < values[0] <= values[-1] <= 1:
        raise PydanticCustomError("not_a_range", "not a range of parts")
    return values


def key(description: str) -> Any:
    """Return the field of a required key."""
    return field(metadata={"description": description})


def opt(description: str) -> Any:
    """Return the field of an optional key."""
    return field(default=None, metadata={"description": description})


def _choice(names: Any) -> Any:
    return Field(json_schema_extra={"enum": list(names)})  # for editors; `Name` refuses all others


Once = AfterValidator(_once)
_Range = AfterValidator(_range)
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Count = Annotated[Integer, Ge(1)]
Seed = Annotated[Integer, Ge(0)]
Positive = Annotated[Number, Gt(0)]
Fraction = Annotated[Number, Gt(0), Le(1)]
Share = Annotated[Number, Gt(0), Lt(1)]
Part = Annotated[Number, Ge(0), Lt(1)]
Unit = Annotated[Number, Ge(0), Le(1)]
Side = Annotated[Integer, Ge(8)]
IDENTIFIER = r"^[a-z][a-z0-9_]*$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Synset = Annotated[str, Field(pattern=r"^n[0-9]{8}$")]
Synsets = Synset | Annotated[list[Synset], MinLen(1), Once]
Scale = Literal["linear", "logit", "probit"]
Split = Literal["train", "id_val", "id_test", "val", "test"]
Role = Literal["id", "ood", "other"]
Predicted = Literal["all", "last"]
Rendered = Literal["one", "all"]
Precision = Literal["float32", "bfloat16"]
Replaced = Literal["sources", "tasks", "label_maps", "distributions", "runs", "architectures", "figures", "tables"]
_Shift = Literal["validation", "fresh_draw", "renditions", "sketches", "anywhere", "cartoons", "drawings"]
Shift = Literal[_Shift, "corruptions", "adversarial"]
_RIBFigure = Literal["rib_bars", "rib_matrix", "rib_methods", "rib_alphas", "rib_changes", "rib_effective"]
RIBFigureKind = Literal[_RIBFigure, "rib_set_size", "rib_transport", "rib_similarity"]
_Table = Literal["sources", "experiments", "cooccurrence", "fitted_trends", "contrasts", "effective_robustness"]
_RIBTable = Literal["rib", "rib_crossing", "rib_effective", "rib_transport", "rib_published", "rib_unlimited"]
TableKind = Literal[_Table, "calibration", _RIBTable]

Source = Annotated[str, Name("source")]
Collection = Annotated[str, Name("source or task")]
Distribution = Annotated[str, Name("distribution")]
Trained = Annotated[str, Name("distribution or scratch")]
Architecture = Annotated[str, Name("architecture")]
Method = Annotated[str, Name("method")]
Task = Annotated[str, Name("task")]
Variant = Annotated[str, Name("variant")]
FittedScale = Annotated[Scale, Name("fitted scale (trends.scales)")]
Distributions = Annotated[list[Distribution], MinLen(1), Once]
Architectures = Annotated[list[Architecture], MinLen(1), Once]
Methods = Annotated[list[Method], MinLen(1), Once]


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(key, opt))
class Section:
    """What all sections share: they are dataclasses, and keys that they do not have are refused.

    Attributes:
        given: the keys of a section that are set, as the configuration has them.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}
    given: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        dataclass(kw_only=True, eq=False)(cls)


@with_config(extra="forbid")
class Augmentation(TypedDict, total=False):
    """What happens to a training image on the training device."""

    crop: Annotated[
        Literal["random_resized", "shift", "none"],
        "Random resized crop; random shift, or none, of the image as `evaluation` frames it.",
    ]
    scale: Annotated[list[Number] | None, MinLen(2), MaxLen(2), _Range, "Range of the area of a random resized crop."]
    shift: Annotated[Seed | None, "Largest shift in pixels."]
    flip: Annotated[Flag, "Horizontal flips."]
    colour_jitter: Annotated[Unit | None, "Strength of random changes of colour."]
    grayscale: Annotated[Unit | None, "Part of the images made grey."]


@with_config(extra="forbid")
class Evaluation(TypedDict, total=False):
    """How an image is framed where nothing is random."""

    resize: Annotated[
        Side, "Side in pixels to which the whole image is resized; then the middle `image_size` pixels are cut out."
    ]
    interpolation: Annotated[Literal["bilinear", "bicubic"], "How it is resized (with antialiasing)."]
    arithmetic: Annotated[
        Literal["auto", "float32", "bfloat16"],
        "Arithmetic of predictions, with head and arg-max in float32. auto: bfloat16 on a GPU, float32 on a CPU.",
    ]


@with_config(extra="forbid")
class Recipe(TypedDict, total=False):
    """Hyper-parameters of a training. Of an architecture, a task, a method or an objective: those that differ."""

    epochs: Annotated[Count | None, "Passes over the data; either this or `steps`."]
    steps: Annotated[Count | None, "Optimisation steps; either this or `epochs`."]
    passes: Annotated[
        Count, "Passes over the data per epoch, for longer training with as many checkpoints; 1 by default."
    ]
    batch_size: Annotated[Count, "Images per step."]
    optimizer: Annotated[Literal["adamw", "adam", "sgd"], "Optimiser."]
    learning_rate: Annotated[Positive, "Highest learning rate."]
    momentum: Annotated[Part | None, "Momentum of SGD."]
    weight_decay: Annotated[Number, Ge(0), "Weight decay."]
    schedule: Annotated[Literal["cosine", "step", "constant"], "Course of the learning rate after warm-up."]
    milestones: Annotated[
        list[Share] | None, "Fractions of the training after which a step schedule divides the rate by ten."
    ]
    warmup_fraction: Annotated[Unit, "Part of the training over which the rate rises linearly."]
    label_smoothing: Annotated[Part, "Label smoothing of the cross-entropy."]
    image_size: Annotated[Side, "Side in pixels of what the network sees."]
    augmentation: Annotated[Augmentation, "What happens to a training image on the training device."]
    evaluation: Annotated[
        Evaluation,
        "How an image is framed where nothing is random; without this key the whole image becomes `image_size`.",
    ]
    input: Annotated[
        Literal["own"],
        "own: image_size, mean, std and evaluation are those that published weights were made for; for other weights "
        "the recipe's hold.",
    ]
    mean: Annotated[list[Number], MinLen(3), MaxLen(3), "Subtracted from each channel in 0..1."]
    std: Annotated[list[Positive], MinLen(3), MaxLen(3), "Divides each channel."]
    precision: Annotated[Precision, "Arithmetic of the forward pass."]
    compile: Annotated[Flag, "Whether torch.compile is used."]


COMPLETE_RECIPE = (
    *("batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warmup_fraction", "label_smoothing"),
    *("image_size", "augmentation", "mean", "std", "precision", "compile"),
)  # keys that `recipes.pretrain` and `recipes.finetune` need


class Scales(Section):
    """Factors on the paper's numbers, for sources and tasks that are drawn or downloaded; not for your own folders."""

    images: Fraction = key("Factor on the images of sources and distributions.")
    classes: Fraction = key("Factor on the classes of sources and distributions.")
    superclasses: Fraction = key("Factor on a number of superclasses of a label map.")
    subclasses: Fraction = key("Factor on a number of subclasses per superclass.")
    task_images: Fraction = key("Factor on the images of downstream tasks.")
    task_classes: Fraction = key("Factor on the classes of downstream tasks.")
    domain_images: Fraction = key("Factor on the images of collections of several domains (DomainNet).")
    domain_classes: Fraction = key("Factor on the classes of collections of several domains.")


class Store(Section):
    """How images are decoded once for training; a source or a task may override single keys."""

    size: Side | None = opt("Side of a stored image in pixels.")
    fit: Fit | None = opt(
        "crop: short side to `size`, centre square; stretch: to a square. Sources default to crop, tasks to stretch "
        "(as WILDS)."
    )
    encoding: Encoding | None = opt(
        "uint8: pixels, read at memory speed; jpeg: a tenth of the disk, decoded while training; files: the images' "
        "own files, resized and cut as the network asks, exactly as torchvision and timm do it."
    )
    on_undecodable: OnUndecodable | None = opt(
        "An image that does not decode stops the run, or is left out and listed."
    )


class World(Section):
    """How the miniature of a collection is drawn."""

    image_size: Annotated[Integer | None, Ge(32)] = opt("Side of a drawn image in pixels.")
    images: Count | None = opt("Images that are drawn; by default the scaled number of the real ones.")
    cameras: Annotated[Integer | None, Ge(4)] = opt("Number of camera traps.")
    splits: dict[str, Positive] | None = opt(
        "Relative sizes of the splits of a camera-trap world; those of iWildCam-WILDS by default."
    )
    domains: Annotated[list[str] | None, MinLen(2), Once] = opt("Domains that are drawn; all by default.")


class ClassSizes(Section):
    """Range of the class sizes."""

    fewest: Count = key("Images of the smallest class.")
    most: Count = key("Images of the largest class.")


class About(Section):
    """What cannot be counted, for the table of sources."""

    hierarchy: str | None = opt("The hierarchy of its classes.")
    expert_labelled: Flag | None = opt("Whether experts gave the labels.")


class Copies(Section):
    """Where near-duplicates of a source's images are looked for."""

    of: Annotated[list[Collection], Once] = key(
        "Tasks and sources; of their images, those that are trained or tested on are compared."
    )
    leave_out: Flag = key("Whether distributions are made without the images that have a copy.")
    correlation: Annotated[Number | None, Gt(0), Le(1)] = opt(
        "Correlation of pixels from which an image is a copy; 0.95 by default."
    )


class FractalSearch(Section):
    """The search for systems of maps whose images fill enough of the frame."""

    seed: Seed = key("Seed of the candidates.")
    points: Count = key("Points of a trajectory.")
    size: Count = key("Side of the frame in pixels.")
    padding: Seed = key("Empty border of the frame in pixels.")
    filling_rate: Fraction = key("Part of the frame that must be hit.")


class FractalRender(Section):
    """How the images of a system are drawn."""

    points: Count = key("Points of a trajectory.")
    size: Side = key("Side of an image in pixels.")
    padding: Seed = key("Empty border of an image in pixels.")


class Prompts(Section):
    """How prompts are dealt out."""

    seed: Seed = key("Seed of the order of prompts and of the noise.")
    templates: Annotated[list[Annotated[Integer, Ge(0), Le(79)]] | None, MinLen(1), Once] = opt(
        "Only these of CLIP's 80 templates."
    )


class DiffusionTraining(Section):
    """Sizes and steps of the model `trained` that differ from the usual ones."""

    latent_channels: Count | None = opt("Channels of the autoencoder's code.")
    autoencoder_channels: Annotated[list[Count] | None, MinLen(1)] = opt("Channels of the autoencoder's levels.")
    autoencoder_steps: Count | None = opt("Steps of the autoencoder's training.")
    autoencoder_batch_size: Count | None = opt("Images per such step.")
    autoencoder_learning_rate: Positive | None = opt("Its learning rate.")
    kl_weight: Annotated[Number | None, Ge(0)] = opt("Weight of the code's divergence from a normal distribution.")
    unet_channels: Annotated[list[Count] | None, MinLen(1)] = opt("Channels of the denoising network's levels.")
    text_width: Count | None = opt("Width of the text network.")
    text_layers: Count | None = opt("Layers of the text network.")
    caption_length: Count | None = opt("Longest caption in tokens.")
    steps: Count | None = opt("Steps of the denoising network's training.")
    batch_size: Count | None = opt("Images per such step.")
    learning_rate: Positive | None = opt("Its highest learning rate.")
    weight_decay: Annotated[Number | None, Ge(0)] = opt("Its weight decay.")
    caption_dropout: Part | None = opt("Part of the captions left empty.")
    average: Part | None = opt("Decay of the moving average of weights.")
    seed: Seed | None = opt("Seed of everything random.")


class Generate(Section):
    """How Stable Diffusion generates images."""

    scheduler: Annotated[str, Name("sampler"), _choice(SCHEDULERS)] = key("Sampler.")
    steps: Count = key("Denoising steps.")
    guidance: Annotated[Number, Ge(0)] = key("Scale of classifier-free guidance.")
    image_size: Annotated[Side, MultipleOf(8)] = key(
        "Side of a generated image in pixels, a multiple of 8; the store may be smaller."
    )
    batch_size: Count = key("Images generated at once.")
    precision: Precision = key("Arithmetic.")
    compile: Flag = key("Whether torch.compile is used.")
    shards: Count = key("Jobs among which the images are divided.")
    guided_part: Fraction | None = opt("Part of the steps, from the first one, that is guided; all by default.")


class Network(Section):
    """A network that is pre-trained on a distribution."""

    distribution: Distribution = key("A distribution of whole classes.")
    architecture: Architecture = key("An architecture that is trained on it.")


class SourceSpec(Section):
    """A collection of pre-training images."""

    format: Annotated[str, Name("format of sources"), _choice(SOURCES)] = key(
        "How the raw files are laid out: ILSVRC2012 archives, iNaturalist 2017 archives, a folder of class folders, a "
        "folder of images with captions, or the archives of Tiny-ImageNet (training or validation images), CIFAR "
        "(training images) and the shifted test sets of CIFAR-10. Or how images are made: fractals, Stable Diffusion. "
        "`published`: images that cannot be had, only the weights of networks trained on them."
    )
    label: str | None = opt("Readable name for figures and tables.")
    path: str | None = opt("The folder, for the formats `folder` and `image_text`.")
    images: Count | None = opt("Training images at full scale; lets impossible sizes be refused before anything runs.")
    classes: Count | None = opt("Classes at full scale.")
    class_sizes: ClassSizes | None = opt(
        "Images of the smallest and of the largest class; lets impossible shares be refused before anything runs."
    )
    about: About | None = opt("What cannot be counted, for the table of sources.")
    world: World | None = opt("How the miniature is drawn.")
    store: Store | None = opt("Keys of `store` that differ.")
    validation: Annotated[str, Name("source read from files")] | None = opt(
        "The source that is its published validation part: pre-training on labels is measured on it after every epoch "
        "(held_out_accuracy in its metrics), instead of a share of its own images (runs.held_out)."
    )
    copies: Copies | None = opt(
        "Where copies of its images are looked for (near-duplicates, by the correlation of pixels); copies/SOURCE.csv "
        "lists them."
    )
    search: FractalSearch | None = opt("For fractals: the search for systems of maps.")
    render: FractalRender | None = opt("For fractals: how the images of a system are drawn.")
    prompts: Prompts | None = opt("For Stable Diffusion: how prompts are dealt out.")
    model: str | None = opt(
        "For Stable Diffusion: a model's folder, its name on the Hugging Face Hub, or `trained` for a small one that "
        "the pipeline trains on the source whose classes it is asked for."
    )
    revision: Annotated[str | None, Field(pattern="^[0-9a-f]{40}$")] = opt(
        "For a model of the Hugging Face Hub: the commit that is fetched, 40 hexadecimal digits."
    )
    training: DiffusionTraining | None = opt("For the model `trained`: sizes and steps that differ.")
    generate: Generate | None = opt("For Stable Diffusion: how images are generated.")
    recognised_by: Network | None = opt(
        "For Stable Diffusion: the pre-trained network that is asked which classes it sees in the images; the source "
        "of its distribution names the classes that the model is asked for."
    )
    variant: dict[str, Any] | None = opt("For `imagenet_variant`: what imagenet_rib says of it.")
    pretrained: str | None = opt(
        "For `published`: the library's name of the weights (torchvision: IMAGENET1K_V2; timm: augreg_in21k; "
        "open_clip: openai), `default` for those it gives unasked, or a file."
    )


HeldOut = Number | Integer | str | list[str | Integer]


class Division(Section):
    """Splits made of a column of metadata.csv. Held-out places or later dates are out of distribution (test, val),
    held-out images of the others in distribution (id_test, id_val)."""

    by: Literal["place", "date"] = key(
        "What the column holds: a place (camera, site, hospital), or a date as 2016-07-31 or 2016."
    )
    column: str = key("Name of the column.")
    test: HeldOut = key(
        "By place: a share of the places (0.15), or a list of them. By date: the first date, in quotes, or the first "
        "year."
    )
    id_test: Share = key("Share of the other images.")
    val: HeldOut | None = opt("As `test`.")
    id_val: Share | None = opt("Share of the other images.")
    together: str | None = opt(
        "Column whose images of one value are held out together (a burst, a patient); each by itself by default."
    )
    seed: Seed | None = opt("Seed of what is held out; 0 by default.")


class TestSet(Section):
    """What checkpoints are tested on."""

    role: Role = key("In distribution, out of distribution, or neither.")
    split: str | None = opt("Split of the store, or all; the test set's name by default.")
    store: Collection | None = opt(
        "Source or task whose store holds the images, with the task's classes; the task's own by default."
    )
    classes: str | None = opt(
        "CSV table with a column class_id: the classes that a network may answer; present: those of its images; all by "
        "default."
    )


class Pair(Section):
    """The two test sets that a figure plots."""

    id: str = key("The in-distribution test set.")
    ood: str = key("The out-of-distribution test set.")


class Subset(Section):
    """A part of a variant's images that is fine-tuned on."""

    images_per_class: Count = key("Images per class.")
    equal: Literal["epochs", "steps"] = key(
        "Each image once per epoch, or repeated until an epoch is as long as one of all images."
    )


class TaskSpec(Section):
    """A downstream task with in-distribution and out-of-distribution test sets."""

    format: Annotated[str, Name("format of tasks"), _choice(TASKS)] | None = opt(
        "iWildCam-WILDS v2.0, DomainNet as wilds has it, CIFAR-10 (binary version), a folder with metadata.csv "
        "(filename, y, split), or any image classification data set of the wilds package. published: only scores can "
        "be had, from tables that figures name (`published`); `plots` are then the labels of the two axes."
    )
    label: str | None = opt("Readable name for figures and tables.")
    dataset: Annotated[str, Name("WILDS image classification data set")] | None = opt(
        "For the format `wilds`: the package's name of the data set (iwildcam, fmow, camelyon17, rxrx1 or domainnet)."
    )
    version: str | Number | None = opt(
        "For the format `wilds`: the version that the study is meant for; the package's newest by default."
    )
    domains: Annotated[list[str] | None, MinLen(2), Once] = opt(
        "For DomainNet: its domains. It is no task itself; tasks are pairs of its domains."
    )
    pair_of: Annotated[str, Name("collection of domains")] | None = opt(
        "Instead of a format: the collection whose domains this task pairs."
    )
    id_domain: str | None = opt("With `pair_of` or wilds' domainnet: the domain to fine-tune on.")
    ood_domain: str | None = opt(
        "With `pair_of` or wilds' domainnet: the domain that measures out-of-distribution performance."
    )
    class_subset: Annotated[list[str] | None, MinLen(2), Once] = opt(
        "With `pair_of`: the categories that the task has, as DomainNet calls them (traffic_light); all by default."
    )
    variant: str | None = opt(
        "Instead of a format: the variant of ImageNet to fine-tune on; imagenet_rib writes such tasks."
    )
    distribution: Distribution | None = opt(
        "Instead of a format: the pre-training distribution whose images are fine-tuned on, with ImageNet's classes; "
        "imagenet_rib writes such a task."
    )
    subset: Subset | None = opt(
        "With `variant`: the part of its images that is fine-tuned on; imagenet_rib writes such tasks."
    )
    held_out: Part | None = opt("With `variant`: part of its images that is not fine-tuned on.")
    renderings: Rendered | None = opt("With `variant`: what an epoch shows of its renderings; imagenet_rib writes it.")
    metric: Annotated[str, Name("metric")] | None = opt(
        "What is shown of the task in figures, a metric of score tables; macro_f1 by default."
    )
    path: str | None = opt(
        "The folder, for the format `folder`; for `wilds` the folder that holds the unpacked data set's folder, if you "
        "have it: a change of its tables makes its store again, its images are taken to be the published ones."
    )
    splits: Division | None = opt(
        "For the format `folder`: splits made of a column of metadata.csv, which then needs no column split."
    )
    images: Count | None = opt("Images of all splits at full scale.")
    train_images: Count | None = opt(
        "Training images that are fine-tuned on, equally many of each class; the others are id_val. All by default."
    )
    classes: Count | None = opt("Classes at full scale.")
    test_sets: Annotated[dict[Identifier, TestSet] | None, MinLen(1)] = opt(
        "What every checkpoint is tested on, by name."
    )
    plots: Pair | None = opt("The two test sets that figures plot where they name no others.")
    predicted: Predicted | None = opt(
        "After which epochs networks are kept and predicted: all (by default), which figures of a course or a cloud "
        "need, or the last one."
    )
    groups: str | None = opt("Column of the store whose values are the groups of worst-group scores.")
    groups_left_out: list[str] | None = opt("With `groups`: values that are no group of their own.")
    clusters: str | None = opt(
        "Column of the store whose values are resampled for intervals of scores (the camera, say); images by default."
    )
    finetune: Recipe | None = opt("Keys of the recipe of fine-tuning that differ on this task.")
    world: World | None = opt("How the miniature is drawn.")
    store: Store | None = opt("Keys of `store` that differ.")


class Heads(Section):
    """How networks without a head of ImageNet's classes are given one: by a stage of its own, the task rib_head."""

    of: Distributions = key("The networks that are given one.")
    trained_on: Distribution = key("The distribution of ImageNet's images and classes that it learns.")
    method: Annotated[str, Name("method that trains")] = key("Name of the method: linear_probe or full, for example.")
    finetune: Recipe | None = opt("Keys of the recipe of fine-tuning that differ.")


class Similarity(Section):
    """Which layers are compared by linear CKA, on which images of the reference."""

    layers: Annotated[list[str], MinLen(1)] = key("Patterns of the names of modules, such as blocks.*.mlp.fc2.")
    count: Annotated[Integer, Ge(4)] = key("How many images, evenly spaced.")
    batch_size: Annotated[Integer, Ge(4)] = key("Images per batch of the unbiased estimator.")
    methods: Annotated[list[Annotated[str, Name("method that leaves weights")]] | None, MinLen(1), Once] = opt(
        "Methods that are compared; all by default."
    )


class SetSizes(Section):
    """Variants of which some images per class are fine-tuned on, for as many epochs and for as many steps as all."""

    variants: Annotated[list[Annotated[str, Name("variant that is fine-tuned on")]], MinLen(1), Once] = key(
        "Variants that are fine-tuned on."
    )
    images_per_class: Annotated[list[Count], MinLen(1), Once] = key("Numbers of images per class.")
    training_images: Distribution | None = opt(
        "A distribution of ImageNet's training images of which as many per class are fine-tuned on, too, for as many "
        "epochs; RI is then a mean over all variants."
    )


class Transport(Section):
    """How the distances between variants are measured."""

    embedding: Network = key("The network before fine-tuning whose features images are compared by.")
    count: Count = key("Images of each variant, evenly spaced.")


class Baselines(Section):
    """Which networks, trained on ImageNet alone, make the baselines."""

    baselines: Distributions = key("Distributions whose networks are fine-tuned; before that they make the baseline.")
    scale: Scale = key("Scale of the axes on which the lines are fitted.")


class Drawn(Section):
    """How the miniature of a variant is drawn."""

    kind: Shift = key("What shifts.")
    per_class: Count = key("Images per class; validation images per class for what is made of them.")
    filtered_by: Network | None = opt(
        "For adversarial, which needs it: the pre-trained network whose mistakes are kept."
    )


class VariantSpec(Section):
    """A shifted version of ImageNet."""

    label: str = key("Readable name for figures and tables.")
    split: str | None = opt(
        "Without `files` and `path`, where the variant is the source or the task of its name: a split of its store; "
        "all images by default."
    )
    images: Count | None = opt(
        "How many there are, or are taken; another number is refused. null where it is not published: any number is "
        "taken."
    )
    originals: Count | None = opt(
        "Images of which the variant has several renderings each, as ImageNet-C has 75; see `renderings`."
    )
    only: Annotated[dict[str, Annotated[list[str | Integer], MinLen(1), Once]] | None, MinLen(1)] = opt(
        "Parts of the layout and the values whose images are taken, such as {severity: [1, 3, 5]}; figures and tables "
        "name them."
    )
    classes: Count | None = opt("How many classes of ImageNet they have.")
    files: Annotated[list[str] | None, MinLen(1), Once] = opt(
        "The archives, tar, tar.gz or zip; without {class} in the layout, ImageNet's devkit last."
    )
    path: str | None = opt(
        "The unpacked folder, instead of the archives, if you have it; its numbers of images and classes are checked, "
        "and later changes make nothing again."
    )
    layout: str | None = opt("The last parts of an image's path, such as {class}/{image}.")
    table: str | None = opt("CSV table of its classes: class_id, and folder where folders are not called by classes.")
    border: Count | None = opt("Pixels to cut off on each side.")
    password: str | None = opt("Password of an encrypted zip.")
    fine_tuned_on: Flag | None = opt("Whether networks are fine-tuned on it; true by default.")
    store: Store | None = opt("Keys of `store` that differ.")
    drawn: Drawn | None = opt("How the miniature is drawn.")


class ImageNetRIB(Section):
    """ImageNet-RIB (arXiv 2410.21582): networks that know ImageNet's classes, fine-tuned on one variant of ImageNet and
    tested on all. Each variant becomes a source, and each that is fine-tuned on a task rib_VARIANT."""

    networks: Distributions = key("Distributions whose networks are fine-tuned; their heads know ImageNet's classes.")
    methods: Methods = key("Methods of fine-tuning; the name of an interpolation stands for all of its alphas.")
    reference: Variant = key(
        "The variant without a shift, ImageNet's validation images: tested on, not fine-tuned on, and in no mean."
    )
    variants: Annotated[dict[Identifier, VariantSpec], MinLen(3)] = key("Shifted versions of ImageNet, by name.")
    architectures: Architectures | None = opt(
        "Architectures of the networks that the pipeline pre-trains; those of the distributions by default."
    )
    without: (
        dict[
            Annotated[str, Name("distribution of imagenet_rib.networks")],
            Annotated[list[Annotated[str, Name("method of imagenet_rib.methods")]], MinLen(1), Once],
        ]
        | None
    ) = opt("Methods that some of the networks are not fine-tuned by, such as those that need attention.")
    heads: Heads | None = opt("How networks without a head of ImageNet's classes are given one.")
    sharing: Annotated[list[Variant] | None, Once] = opt("Variants that are renderings of the same images.")
    unlimited: Flag | None = opt(
        "Whether variants with only some of ImageNet's classes are also tested with all of them as answers, for tables "
        "of kind rib_unlimited; false by default. RI takes accuracy among a variant's own classes."
    )
    held_out: Part | None = opt("Part of the images of a variant that is not fine-tuned on; none by default.")
    train_images: Count | None = opt(
        "Images of each variant that are fine-tuned on, equally many of each class; by default all that are not held "
        "out."
    )
    renderings: Rendered | None = opt(
        "What an epoch of fine-tuning on a variant with `originals` shows: one rendering of each, drawn anew in every "
        "epoch (by default), or all of them, as published. Figures and tables name it."
    )
    similarity: Similarity | None = opt("For figures of kind rib_similarity: what is compared by CKA.")
    published: str | None = opt(
        "CSV table of published mRI: architecture, method, before, after, mri; shown beside ours."
    )
    set_sizes: SetSizes | None = opt("For figures of kind rib_set_size: how many images per class.")
    transport: Transport | None = opt(
        "For figures and tables of kind rib_transport: how the variants' distances are measured."
    )
    effective_robustness: Baselines | None = opt(
        "For figures and tables of kind rib_effective: the networks that make the baselines."
    )
    published_cells: str | None = opt(
        "CSV table of published accuracies: architecture, method, fine_tuned_on, tested_on, before, after, from; for "
        "tables of kind rib_published."
    )
    warmup_steps: Count | None = opt("Steps over which the learning rate rises; the recipe's fraction by default.")
    finetune: Recipe | None = opt("Keys of the recipe of fine-tuning that differ.")
    predicted: Predicted | None = opt(
        "After which epochs networks are kept and predicted: all (by default) or the last one, which figures and "
        "tables show. The network before fine-tuning is always predicted."
    )
    store: Store | None = opt("Keys of `store` that differ for all variants.")


class File(Section):
    """A file to download or to place; one of its checksums or its size is needed."""

    url: str | Annotated[list[str], MinLen(1)] | None = opt(
        "Where the file is downloaded from, or several places that are tried in this order; without it you place it "
        "yourself."
    )
    md5: Annotated[str | None, Field(pattern="^[0-9a-f]{32}$")] = opt("Expected MD5 checksum.")
    sha256: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$")] = opt("Expected SHA-256 checksum.")
    bytes: Count | None = opt("Expected size in bytes.")


class Download(Section):
    """Real files and the page that offers them."""

    home: str = key("Page that offers the files.")
    files: dict[str, File] = key("Checksums and addresses by file name.")


@with_config(extra="allow")
class Downloads(TypedDict, total=False, extra_items=Download):  # type: ignore[call-arg]
    """The real files, needed when acquisition is `download`, by collection."""

    place: Required[Annotated[str, "Folder where you put files that cannot be downloaded without an account."]]


class LabelMap(Section):
    """Classes merged into superclasses."""

    source: Source = key("The source whose classes it merges.")
    label: str = key("Readable name for figures and tables.")
    column: str = key(
        "Column with the superclass; readable names are taken from a column of that name with _name at its end."
    )
    table: str | None = opt(
        "CSV table, one row per class, below the working folder or the repository; the source's own superclasses by "
        "default."
    )
    key: str | None = opt("Column of the table with the class's identifier; class_id by default.")
    counts: str | None = opt(
        "CSV table with superclass, classes and training images in its first columns, for checks before anything runs."
    )


class Classes(Section):
    """Which classes, chosen in one way; `random` also among those that `under` or `not_under` names."""

    most_frequent: Count | None = opt("Keep the N classes with the most images.")
    random: Count | None = opt("N classes in a fixed random order, so that smaller N are subsets.")
    at_least: Count | None = opt("With `random`: classes with so many images come first.")
    under: Synsets | None = opt(
        "The classes below this WordNet 3.0 synset (n and eight digits), or below one of several; of ImageNet, or of a "
        "folder whose class folders are wnids."
    )
    not_under: Synsets | None = opt("The classes that are not below this WordNet synset, or not below any of several.")
    ratio: Fraction | None = opt(
        "The part of the classes of each superclass, those with the most images first; needs `labels`."
    )
    superclasses: Count | Annotated[list[str], MinLen(1)] | None = opt(
        "With `ratio`: names of superclasses, or how many of the label map's; all by default."
    )
    subclasses: Count | None = opt(
        "With `ratio`: how many classes of each superclass a ratio of 1 takes; all by default."
    )


class DistributionSpec(Section):
    """What networks are pre-trained on."""

    source: Source = key("The source of its images.")
    label: str | None = opt("Readable name for figures and tables.")
    evidence: str | None = opt("Where the experiment comes from and what of it is inferred.")
    objective: Annotated[str, Name("objective")] | None = opt("What pre-training learns by; the labels by default.")
    head: Literal["zero_shot", "pretrained"] | None = opt(
        "Fine-tuning starts from a head made of the embedded class names (zero_shot) or from the one of the weights, "
        "which knows the classes of the task (pretrained); by default from a random one."
    )
    architectures: Architectures | None = opt(
        "Architectures to train on it, timm/NAME for a model of timm that `architectures` need not have; those of "
        "`runs` by default."
    )
    take: Literal["first"] | None = opt(
        "first: the first images of each class in the source's own order; a seeded choice by default."
    )
    classes: Classes | None = opt("Which classes; all of them by default.")
    labels: Annotated[str, Name("label map")] | None = opt(
        "The label map whose superclasses are the labels; by default each class is a label."
    )
    images: Count | None = opt("How many images in total; all by default.")
    distinct_images: Count | None = opt(
        "With `images`, fewer than these: so many different images, repeated until there are as many; all differ by "
        "default."
    )
    balanced: Literal["classes", "superclasses"] | None = opt(
        "What gives the same number of images (one more or less where the total does not divide); by default images "
        "are taken in proportion."
    )
    short_classes: Literal["refuse", "fill"] | None = opt(
        "A class with fewer images than its share stops the run, or gives all it has and the others of its superclass "
        "the rest."
    )
    nested_in: Distribution | None = opt("A distribution whose images must include these; checked.")
    classes_nested_in: Distribution | None = opt("A distribution whose classes must include these; checked.")
    same_images_per_label_as: Distribution | None = opt("A distribution with as many images of each label; checked.")


Seeds = Annotated[list[Seed], MinLen(1), Once]


class Runs(Section):
    """Every distribution is trained with each architecture and seed, unless it names its own."""

    architectures: Architectures = key("Names of architectures.")
    seeds: Seeds = key("Seeds of initialisation and data order.")
    seeds_of: dict[Trained, Seeds] | None = opt(
        "Other seeds for single distributions (or `scratch`): more for what all others are compared with, say."
    )
    held_out: Share | None = opt(
        "Share of the images of each distribution that pre-training on labels leaves out and is measured on after "
        "every epoch (held_out_accuracy in its metrics, in curves.csv and on the page); none by default."
    )


class ArchitectureSpec(Section):
    """A network."""

    family: str = key("Family of architectures as the paper names it.")
    builder: str = key(
        "A model that torchvision builds by name, one of its classes (ResNet, DenseNet, MobileNetV3), timm for a model "
        "of timm, or open_clip for an image encoder of CLIP."
    )
    arguments: dict[str, Any] | None = opt("Arguments of the builder; timm and open_clip need `model`, the name.")
    pretrain: Recipe | None = opt("Keys of the recipe of pre-training that differ.")
    finetune: Recipe | None = opt("Keys of the recipe of fine-tuning that differ.")


@with_config(extra="allow")  # settings of the kind, which `check.py` compares with its file
class MethodSpec(TypedDict, total=False):
    """How networks are fine-tuned: a file of finetune/methods/ with its settings, or a merger of others' weights."""

    kind: Required[
        Annotated[
            str,
            Name("kind of fine-tuning or merger"),
            "A file of finetune/methods/, or interpolate, lines, uniform_soup, greedy_soup, dawin.",
        ]
    ]
    label: Annotated[str, "Readable name for figures and tables."]
    recipe: Annotated[Recipe, "Keys of the recipe of fine-tuning that differ with this method."]
    of: Annotated[
        list[Annotated[str, Name("method that trains, or start")]],
        MinLen(2),
        "Mergers: the methods whose networks are merged; start is the network before fine-tuning.",
    ]
    alphas: Annotated[
        list[Unit],
        MinLen(1),
        Once,
        "interpolate: weights of the second network; each gives a method, wise_ft_50 for 0.5.",
    ]
    held_out: Annotated[
        Split,
        "greedy_soup and interpolate: split of the task whose accuracy decides; an interpolation is then one method, "
        "of the best of its alphas.",
    ]
    scales: Annotated[
        list[Annotated[Number, Ge(0)]],
        MinLen(2),
        MaxLen(2),
        "lines: how much of the way from the first to the second network the first and the last layer go.",
    ]
    groups: Annotated[
        Count,
        "dawin: into how many groups the images of a test set are divided, each with a merged network of its own.",
    ]


class TextNetwork(Section):
    """The text network of image-text pre-training."""

    width: Count = key("Width.")
    heads: Count = key("Attention heads.")
    layers: Count = key("Layers.")


class Objective(Section):
    """What pre-training learns by, where a distribution names one."""

    kind: Literal["supervised", "image_text", "self_supervised"] = key(
        "supervised: the labels, with another recipe; image_text: CLIP's contrastive loss of images and captions; "
        "self_supervised: SimCLR."
    )
    embedding: Count | None = opt("image_text: dimensions of the common space.")
    context_length: Count | None = opt("image_text: longest caption in tokens.")
    text: TextNetwork | None = opt("image_text: the text network.")
    temperature: Positive | None = opt("self_supervised: temperature of the loss.")
    projection: Count | None = opt("self_supervised: dimensions of the projection.")
    recipe: Recipe | None = opt("Changes of the pre-training recipe.")


class Recipes(Section):
    """Hyper-parameters of training."""

    pretrain: Recipe = key("Pre-training.")
    finetune: Recipe = key("Fine-tuning.")
    scratch: Recipe | None = opt(
        "Keys of the recipe of fine-tuning that differ for networks without pre-training, on every task. A longer "
        "training has more `passes`, not epochs: every series has the same checkpoints."
    )


class Apart(Section):
    """Distributions or architectures whose hours the plan says apart."""

    of: Literal["paper", "ours"] = key("Whose choice they are.")
    distributions: Distributions | None = opt("Distributions that are pre-trained on.")
    architectures: Architectures | None = opt("Architectures.")


class Plan(Section):
    """What `snakemake plan` estimates the costs for."""

    card: str = key("A GPU of data/rates.csv.")
    cards: Count = key("How many GPUs work at a time.")
    apart: dict[str, Apart] | None = opt("What is priced apart, by a readable name: what it costs, and what stays.")


Granularity = Literal["run", "distribution", "network"]


class Jobs(Section):
    """How many runs one job makes, by stage.

    `run`: one. `distribution`: all architectures and seeds of a distribution, by one method on one task; predictions of
    these stand in one file. `network`: one network by all methods on a task, or on all variants of ImageNet;
    predictions and scores of all methods of a distribution. Many small runs save their starts by going together, large
    ones have a GPU each. A figure that needs one run of a job has the whole job made. After a change of this key,
    `snakemake --touch TARGET` keeps what is made already.
    """

    pretrain: Literal["run", "distribution"] = key("Pre-training.")
    finetune: Granularity = key("Fine-tuning.")
    merge: Granularity = key("Merging of weights.")
    predict: Literal["distribution", "network"] = key(
        "Prediction of test sets; a job decodes each image once for all its networks of one input size."
    )
    score: Literal["distribution", "network"] = key(
        "Scoring of predictions, and their comparison with those before fine-tuning."
    )


class Resources(Section):
    """What a job asks of the scheduler."""

    threads: Count = key("CPU threads.")
    mem_mb: Count = key("Memory in MB.")
    runtime: Count = key("Minutes.")
    gpu: Annotated[Integer | None, Ge(0), Le(1)] = opt("GPUs, 0 or 1: a job uses one.")


class Stages(Section):
    """What one job of each stage asks of the scheduler."""

    prepare: Resources = key(
        "Drawing, unpacking, choosing images, prompts, heads: what starts anew when it is stopped."
    )
    store: Resources = key("Decoding images.")
    render: Resources = key("Rendering fractals.")
    diffusion: Resources = key("Training a diffusion model.")
    generate: Resources = key("Generating images.")
    pretrain: Resources = key("Pre-training.")
    finetune: Resources = key("Fine-tuning.")
    evaluate: Resources = key("Predicting.")


class Predictions(Section):
    """What is kept of each image's prediction beside its class."""

    kept: Annotated[list[Literal["confidence", "margin"]], Once] = key(
        "confidence: the probability of the class; margin: how far its logit is above the next. Float16 each."
    )


class Scores(Section):
    """Intervals of scores, percentiles of a bootstrap."""

    confidence: Share = key("Level of the intervals.")
    resamples: Count = key("Bootstrap samples.")
    seed: Seed = key("Seed of the bootstrap.")


class Comparisons(Section):
    """Tests whether the series of a panel share one trend."""

    permutations: Count = key("Random permutations of series among runs.")
    seed: Seed = key("Seed of the permutations.")
    margin: Share = key(
        "Difference of OOD scores at equal ID score below which two series are equivalent, in score units (0.02 is 2 "
        "points)."
    )


class EffectiveRobustness(Section):
    """Heights of checkpoints and series above the trends of baselines."""

    baselines: Annotated[list[str], MinLen(1), Once] = key("Distributions whose trends are the baselines.")
    scale: Scale = key("Scale on which the baselines are fitted.")


class Trends(Section):
    """Linear fits of out-of-distribution on in-distribution scores."""

    scales: Annotated[list[Scale], MinLen(1), Once] = key("Axes on which trends are fitted.")
    confidence: Share = key("Level of the bootstrap intervals.")
    resamples: Count = key("Bootstrap samples.")
    seed: Seed = key("Seed of the bootstrap.")


class Panel(Section):
    """A panel of a figure of trends."""

    title: str = key("Heading of the panel.")
    series: Annotated[list[str], MinLen(1), Once] = key(
        "Distributions, or distribution@method; each is one cloud of points."
    )
    ordered_by: Literal["images"] | None = opt(
        "Test whether OOD scores rise or fall with the number of pre-training images of the series."
    )


class Figure(Section):
    """What all figures have."""

    title: str = key("One line above the figure.")


class TrendsFigure(Figure):
    """Clouds of points with linear trends."""

    kind: Literal["trends"] = key("Clouds of points with linear trends.")
    task: Task = key("A downstream task.")
    scale: FittedScale = key("Scale of both axes.")
    band: Literal["architectures", "resampled_architectures", "checkpoints"] = key(
        "Bands of the trends: cluster-robust with architectures as clusters, bootstrap of architectures, or bootstrap "
        "of checkpoints (as the paper)."
    )
    references: list[str] = key("Distributions whose trends are drawn in every panel as references.")
    panels: Annotated[list[Panel], MinLen(1)] = key("Panels from left to right.")
    plots: Pair | None = opt("The two test sets that the figure plots; the task's own choice by default.")
    published: list[str] | None = opt(
        "CSV tables of published numbers: model, id, ood (or id_percent, ood_percent), group; groups are series."
    )
    studies: dict[str, str] | None = opt(
        "Score tables (scores.csv) of other studies by name; their series are called name/distribution."
    )


class ResidualsFigure(Figure):
    """Residuals from a trend over fine-tuning."""

    kind: Literal["residuals"] = key("Residuals from a trend.")
    task: Task = key("A downstream task.")
    scale: FittedScale = key("Scale on which the trend is fitted.")
    baseline: str = key("Distribution whose trend predicts the out-of-distribution score.")
    series: Annotated[list[str], MinLen(1), Once] = key("Distributions whose checkpoints are shown.")
    plots: Pair | None = opt("The two test sets that the figure plots; the task's own choice by default.")


class AnswersFigure(Figure):
    """What figures of answers to single images have."""

    task: Task = key("A downstream task.")
    series: Annotated[list[str], MinLen(1), Once] = key("Distributions, or distribution@method.")
    plots: Pair | None = opt("The two test sets that the figure plots; the task's own choice by default.")


class ImagesFigure(AnswersFigure):
    """Which images the first of two series wins at equal ID accuracy."""

    kind: Literal["images"] = key("Which images the first of two series wins at equal ID accuracy.")
    subset: Count = key("How many OOD images to choose, on which accuracy falls as ID accuracy rises.")


class AgreementFigure(AnswersFigure):
    """Agreement of networks in and out of distribution beside their accuracy."""

    kind: Literal["agreement"] = key("Agreement of networks in and out of distribution beside their accuracy.")
    estimates: Annotated[list[Literal["as_id", "aline_s", "aline_d", "atc"]], MinLen(1), Once] = key(
        "How OOD accuracy is estimated without labels; atc needs the confidence of predictions."
    )


class PublishedPanel(Section):
    """A panel of a figure of published networks."""

    title: str = key("Heading of the panel.")
    task: Annotated[str, Name("task of published scores")] = key("Its `plots` are the labels of the axes.")


class PublishedFigure(Figure):
    """Published networks on several shifts."""

    kind: Literal["published"] = key("Published networks on several shifts.")
    shows: Literal["scores", "robustness"] = key(
        "OOD against ID scores, or effective robustness by the number of images of pre-training."
    )
    scale: Scale = key("Scale on which the line is fitted.")
    baseline: str = key("The group whose networks make the line.")
    series: Annotated[list[str], MinLen(1), Once] = key("The other groups that are shown.")
    at_least: Part = key("The lowest ID score that is shown.")
    published: Annotated[list[str], MinLen(1)] = key(
        "CSV tables of published numbers, one per panel, with the columns pretrained_on and images too."
    )
    panels: Annotated[list[PublishedPanel], MinLen(1)] = key("One panel per table, two in a row.")


class ImagePanel(Section):
    """A grid of images, of a collection or of a distribution."""

    title: str = key("Heading of the grid.")
    columns: Count = key("Images per row.")
    collection: Collection | None = opt("Source or task that the images come from.")
    distribution: Distribution | None = opt("Distribution that they come from instead.")
    split: Split | None = opt("Only images of this split of a task.")
    group_by: str | None = opt("One row for each value of this column (label, class_id, location ...).")
    groups: Count | None = opt("With `group_by`: how many rows, chosen at random.")
    rows: Count | None = opt("Without `group_by`: how many rows.")


class PicturesFigure(Figure):
    """Example images."""

    kind: Literal["pictures"] = key("Example images.")
    seed: Seed = key("Seed of the choice of images.")
    panels: Annotated[list[ImagePanel], MinLen(1)] = key("Grids of images.")


class PipelineFigure(Figure):
    """The pipeline itself."""

    kind: Literal["pipeline"] = key("The pipeline itself.")


class RIBFigure(Figure):
    """A figure of ImageNet-RIB."""

    kind: RIBFigureKind = key(
        "mRI as bars; every change of accuracy as a matrix; mRI of methods by networks; mRI along an interpolation; "
        "what fine-tuning changes (predictions that turn, accuracy on every variant, RI against accuracy on the "
        "variant fine-tuned on); effective robustness; RI by the size of the fine-tuning set; change of accuracy by "
        "the distance between data sets; similarity of networks before and after."
    )
    networks: Distributions | None = opt("Distributions whose networks it shows; those of imagenet_rib by default.")
    methods: Methods | None = opt("Methods of fine-tuning that it shows; those of imagenet_rib by default.")


class CrossingPanel(Section):
    """A panel of a figure of kind rib_crossing."""

    title: str = key("Heading of the panel.")
    series: Distributions = key("Distributions, whose networks' heads know ImageNet's classes.")
    ordered_by: Literal["images"] | None = opt(
        "Test whether mRI rises or falls with the number of pre-training images of the series."
    )


class CrossingFigure(Figure):
    """mRI by what networks were pre-trained on."""

    kind: Literal["rib_crossing"] = key("mRI by what networks were pre-trained on.")
    panels: Annotated[list[CrossingPanel], MinLen(1)] = key("Panels from top to bottom.")
    methods: Methods | None = opt("Methods of fine-tuning that it shows; those of imagenet_rib by default.")
    architectures: Architectures | None = opt("Architectures of its networks; those of imagenet_rib by default.")


FigureSpec = Annotated[
    TrendsFigure
    | ResidualsFigure
    | AgreementFigure
    | ImagesFigure
    | PublishedFigure
    | PicturesFigure
    | PipelineFigure
    | RIBFigure
    | CrossingFigure,
    Field(discriminator="kind"),
]


class Expectation(Section):
    """What the paper reports, as a comparison that a figure of trends makes."""

    figure: Annotated[str, Name("figure of trends")] = key("The figure that makes the comparison.")
    paper: str = key("What the paper reports.")
    expected: Literal["apart", "higher", "not_higher", "alike", "rises"] = key(
        "Of two series at equal ID score: their trends differ, the first is higher, it is not higher by the margin of "
        "equivalence, both are equivalent. Of a panel: OOD scores at equal ID score rise with the number of images."
    )
    first: str | None = opt("A series.")
    second: str | None = opt("The series that it is compared with.")
    panel: str | None = opt("rises: title of the panel.")
    at_least: Annotated[Number | None, Ge(0)] = opt("higher: by so much (0.05 is 5 points).")
    decisive: Flag | None = opt("Whether the target `calibration` fails when it does not hold.")
    reason: str | None = opt("Why a study may show something else.")


class TableSpec(Section):
    """A table."""

    kind: TableKind = key(
        "Differences between sources, all experiments, animals and objects in one image, trends, comparisons of "
        "series, effective robustness, what the paper reports beside what is shown, or of ImageNet-RIB: RI and mRI, "
        "mRI by what networks were pre-trained on, effective robustness, distances of data sets, what was published "
        "beside what is shown, or accuracy with all of ImageNet's classes as answers."
    )
    title: str = key("One line above the table.")
    scale: FittedScale | None = opt("fitted_trends: scale of the axes on which they are fitted.")
    figure: Annotated[str, Name("figure of the crossing")] | None = opt(
        "rib_crossing: the figure whose comparisons it shows."
    )
    networks: Distributions | None = opt("Distributions whose networks it shows; those of imagenet_rib by default.")
    methods: Methods | None = opt("Methods of fine-tuning that it shows; those of imagenet_rib by default.")
    sources: Annotated[list[Source] | None, MinLen(1)] = opt("sources: the sources to compare.")
    animals: Synset | None = opt("cooccurrence: WordNet 3.0 synset (n and eight digits) above the animals.")
    expectations: Annotated[list[Expectation] | None, MinLen(1)] = opt(
        "calibration: what the paper reports, as comparisons of figures of trends."
    )


class Configuration(Section):
    """Everything that the workflow can be told. Unknown keys are refused."""

    study: Identifier = key("Name of the study; figures of the study `miniature` say that their data are drawn.")
    acquisition: Literal["draw", "download"] = key(
        "draw: the pipeline draws small data in the real formats; download: the real data."
    )
    scale: Scales = key("Factors on the paper's numbers.")
    selection_seed: Seed = key("Seed of the choice of classes and images of every distribution.")
    world_seed: Seed = key("Seed of the drawn worlds.")
    store: Store = key("How images are decoded once for training.")
    imagenet_rib: ImageNetRIB | None = opt("ImageNet-RIB (arXiv 2410.21582): fine-tuning on variants of ImageNet.")
    sources: dict[Identifier, SourceSpec] = key("Collections of pre-training images, by name.")
    tasks: dict[Identifier, TaskSpec] = key(
        "Downstream tasks with in-distribution and out-of-distribution test sets, by name."
    )
    label_maps: dict[Identifier, LabelMap] = key("Classes merged into superclasses, by name.")
    distributions: dict[Identifier, DistributionSpec] = key(
        "What networks are pre-trained on, by name. `scratch`, no pre-training, exists by itself."
    )
    left_out: list[Distribution] = key(
        "Distributions that are not trained; figures leave their series out and say so. And sources that cannot be "
        "had, with all distributions, test sets, figures and tables of theirs."
    )
    runs: Runs = key("Architectures and seeds of every distribution that names no others.")
    architectures: dict[Identifier, ArchitectureSpec] = key("Networks, by name.")
    objectives: dict[Identifier, Objective] = key(
        "What pre-training learns by where a distribution names one, by name."
    )
    methods: dict[Identifier, MethodSpec] = key("How networks are fine-tuned, by name; `full` is needed.")
    recipes: Recipes = key("Hyper-parameters of training.")
    plan: Plan = key("What `snakemake plan` estimates the costs for.")
    jobs: Jobs = key("How many runs one job makes, by stage.")
    resources: Stages = key("What one job of each stage asks of the scheduler.")
    predictions: Predictions = key("What is kept of each image's prediction beside its class.")
    scores: Scores = key("Intervals of scores, percentiles of a bootstrap.")
    comparisons: Comparisons = key("Tests whether the series of a panel share one trend.")
    effective_robustness: EffectiveRobustness = key("Heights of checkpoints and series above the trends of baselines.")
    trends: Trends = key("Linear fits of out-of-distribution on in-distribution scores.")
    figures: dict[Identifier, FigureSpec] = key("Figures, by name; `snakemake NAME` draws one.")
    tables: dict[Identifier, TableSpec] = key("Tables, by name; `snakemake NAME` makes one.")
    pathvars: dict[str, str] | None = opt("Where files go; keys and meaning are Snakemake's.")
    remark: str | None = opt("A sentence that stands with every figure and table, such as what a smaller study lacks.")
    shared: str | None = opt(
        "Folder in which stores, distributions and pre-trained networks lie by the digest of their recipes, for all "
        "studies that name it: what one has made the others link. By default each makes its own."
    )
    table: str | None = opt("For `snakemake against`: CSV table of your own numbers: model, id, ood, group.")
    line: str | None = opt("For `snakemake against`: the name of a line of data/baselines/lines.csv.")
    replaces: Annotated[list[Replaced] | None, Once] = opt(
        "Sections that this study's own files state whole; nothing of config.yaml stays in them."
    )
    downloads: Downloads | None = opt("The real files, needed when acquisition is `download`.")
