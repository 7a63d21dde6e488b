"""Makes the HDF5 files of this folder: python make.py (h5py 3.16). Those named bad-* are hostile; none runs anything."""

import json
import os

import h5py
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))


def file(name, **options):
    return h5py.File(os.path.join(here, name + ".h5"), "w", **options)


dense = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
code = {"class_name": "Lambda", "config": {"function": ["4wEAAA==", None, None], "function_type": "lambda"}}


def config(*layers):
    return json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}).encode()


for libver in ["earliest", "v108", "v110", "latest"]:
    with file(libver, libver=libver) as f:
        f.attrs["model_config"] = config(dense)
        f.attrs["keras_version"] = "2.1"
        for index in range(2):
            group = f.create_group(f"layer_{index}")
            group.attrs["weight_names"] = np.array([b"a", b"b"])
            group.create_dataset("kernel", data=np.zeros((3, 4), "f4"))
            group.create_dataset("packed", data=np.zeros((8, 8), "f4"), compression="gzip")
    with file(f"bad-lambda-{libver}", libver=libver) as f:
        f.attrs["model_config"] = config(dense, code)

with file("many") as f:
    for index in range(12):
        f.create_group(f"layer_{index}")
with file("dense", libver="latest") as f:
    for index in range(20):
        f.create_group(f"layer_{index}")
with file("bad-dense-link", libver="latest") as f:
    for index in range(20):
        f[f"layer_{index}"] = h5py.ExternalLink("/etc/passwd", "/a")
with file("bad-dense-attribute", libver="latest") as f:
    for index in range(12):
        f.attrs[f"a{index}"] = index
    f.attrs["model_config"] = np.bytes_(config(dense, code).ljust(6000))
with file("bad-dense-deep", libver="latest") as f:
    for index in range(300):
        f[f"{index:03d}"] = h5py.SoftLink("/a")
    f["x"] = h5py.ExternalLink("/etc/passwd", "/a")
with file("soft") as f:
    f["a"] = np.zeros(3)
    f["x"] = h5py.SoftLink("/a")
with file("bad-external-link") as f:
    f["x"] = h5py.ExternalLink("/etc/passwd", "/a")
with file("bad-external-link-near", libver="latest") as f:
    f["x"] = h5py.ExternalLink("other.h5", "/a")
with file("bad-external-data") as f:
    f.create_dataset("x", (4,), "u1", external=[("/etc/passwd", 0, 4)])
with file("bad-virtual", libver="latest") as f:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/tmp/x.h5", "d", shape=(4,))
    f.create_virtual_dataset("v", layout)
with file("bad-shape") as f:
    f.create_dataset("x", (2**40,), "f8", chunks=(1024,))
with file("bad-behind-user-block", userblock_size=1024) as f:
    f["x"] = h5py.ExternalLink("/etc/passwd", "/a")
with file("bad-lambda-fixed") as f:
    f.attrs["model_config"] = np.bytes_(config(dense, code))
