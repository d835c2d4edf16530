"""The header of an array file whose data is written piece by piece."""

import io

import numpy as np


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return the header of a .npy file of uint8; it is padded, so that the first entry may grow in place."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()
