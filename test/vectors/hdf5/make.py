"""Makes the HDF5 files of this folder: python make.py (h5py 3.16, tables 3.11, pandas 3, hickle 5). Those named bad-* are hostile;
making them runs nothing."""

import json
import os
import pickle

import h5py
import hickle
import numpy as np
import pandas as pd
import tables

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


class Evil:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("id",)


frame = pd.DataFrame({"number": [1.0, 2.0], "text": ["a", "b"], "mixed": [1, "x"]}).astype({"text": object})
frame.to_hdf(os.path.join(here, "pandas-fixed.h5"), key="frame", format="fixed", complevel=9)
frame[["number", "text"]].to_hdf(os.path.join(here, "pandas-table.h5"), key="frame", format="table", data_columns=True)
frame.assign(mixed=[Evil(), 1]).to_hdf(os.path.join(here, "bad-pandas-fixed.h5"), key="frame", format="fixed", complevel=9)
for name, value in [("pytables", {"a": [1, 2]}), ("bad-pytables-attribute", Evil())]:
    with tables.open_file(os.path.join(here, name + ".h5"), "w") as f:
        array = f.create_array("/", "weights", np.zeros(3))
        array.attrs["note"] = value
        array.attrs["said"] = "A sentence that ends with a dot."
with tables.open_file(os.path.join(here, "bad-pytables-objects.h5"), "w") as f:
    objects = f.create_vlarray("/", "objects", tables.ObjectAtom(), filters=tables.Filters(complevel=5, complib="zlib"))
    for value in [1, "x", Evil()]:
        objects.append(value)
payload = pickle.dumps(Evil(), 0)
with file("bad-pytables-shared-type") as f:
    f["type"] = np.dtype(("S", len(payload)))
    f.attrs.create("note", payload, dtype=f["type"])
with file("bad-pytables-text") as f:
    f.attrs.create("note", payload, dtype=h5py.string_dtype("ascii"))
for name, value, options in [
    ("hickle", [1, 2.5, "x", None], {}),
    ("bad-hickle", Evil(), {}),
    ("bad-hickle-chunks", Evil(), {"compression": "gzip"}),
]:
    hickle.dump({"a": value}, os.path.join(here, name + ".h5"), mode="w", **options)
with file("bad-opaque") as f:
    f["x"] = np.void(pickle.dumps(Evil()))
for libver in ["earliest", "latest"]:
    with file(f"bad-shared-type-{libver}", libver=libver) as f:
        f["type"] = np.dtype("u1")
        f.create_dataset("x", data=np.frombuffer(pickle.dumps(Evil()), "u1"), dtype=f["type"])
with file("bad-compact") as f:
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    data = np.frombuffer(pickle.dumps(Evil()), "u1")
    space = h5py.h5s.create_simple(data.shape)
    h5py.h5d.create(f.id, b"x", h5py.h5t.STD_U8LE, space, dcpl=compact).write(space, space, data)
