"""Which archives data sets have, and which of them are drawn."""


def archives(name):
    """The archives of a data set, which are drawn or downloaded into a folder of its name."""
    formats = {format.folder: format for format in FORMATS.values()}
    if name in formats:
        files = formats[name].archives
    elif name in names.variants(study):
        files = names.collection(study, name).given["variant"]["files"]
    else:
        files = config["downloads"][name]["files"]
    return [f"<resources>/{name}/{file}" for file in files]


def drawings():
    """Yield what is drawn: its name, module and params, input files, and whether a trained network filters it."""
    if config["acquisition"] != "draw":
        return
    for folder in names.archives(study):
        yield folder, params.drawing(study, folder), {}, False
    for variant in names.drawn_variants(study, filtered=False):
        world = params.variant_world(study, variant)
        table = variant_classes(variant)
        yield variant, {"module": "imagenet_variants", "world": world}, table, False
    for variant in names.drawn_variants(study, filtered=True):
        filtering = params.filtering_network(study, variant)
        world = params.variant_world(study, variant) | filtering["filter"]
        network = filtering["network"]
        files = {
            "weights": pretraining_file("weights.safetensors").format(**network),
            "labels": f"<results>/distributions/{network['distribution']}/classes.csv",
        }
        drawing = {"module": "adversarial_filter", "world": world}
        yield variant, drawing, variant_classes(variant) | files, True
