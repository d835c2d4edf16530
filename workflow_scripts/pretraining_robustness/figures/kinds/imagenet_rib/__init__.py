"""The figures of ImageNet-RIB."""
