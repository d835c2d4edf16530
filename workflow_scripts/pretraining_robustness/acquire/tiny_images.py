"""Small pictures that need no account: Tiny-ImageNet, CIFAR and the shifted test sets of CIFAR-10.

Nothing is imported here, since the workflow plans with this table. `data/studies/tiny.yaml` has the archives' addresses
and checksums.
"""

# By format: the folder of the archives (formats that read the same archive share one) and their names, in the order in
# which the reader takes them.
TINY_IMAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "tiny_imagenet": ("tiny_imagenet", ("tiny-imagenet-200.zip",)),
    "tiny_imagenet_validation": ("tiny_imagenet", ("tiny-imagenet-200.zip",)),
    "cifar10": ("cifar10", ("cifar-10-binary.tar.gz",)),
    "cifar10_training": ("cifar10", ("cifar-10-binary.tar.gz",)),
    "cifar100": ("cifar100", ("cifar-100-binary.tar.gz",)),
    "cifar10_1": ("cifar10_1", ("cifar10.1_v6_data.npy", "cifar10.1_v6_labels.npy")),
    "cifar10_2": ("cifar10_2", ("cifar102_test.npz",)),
    "cinic10": ("cinic10", ("CINIC-10.tar.gz",)),
    "cifar10_c": ("cifar10_c", ("CIFAR-10-C.tar",)),
}
