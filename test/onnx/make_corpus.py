"""Writes the fuzzer's first ONNX files: small models that go through every part of the reader.

python test/onnx/make_corpus.py fuzz/corpus/onnx
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name, sizes, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, sizes)


def arrays(**named):
    return [numpy_helper.from_array(np.asarray(data), name) for name, data in named.items()]


def model(nodes, inputs, outputs, constants=(), opset=21, functions=(), **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), **more)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def noise(*sizes):
    return np.random.default_rng(0).normal(size=sizes).astype(np.float32)


def convolutional():
    return model(
        [
            node("Conv", "x w b", "c", strides=[2, 2], auto_pad="SAME_UPPER"),
            node("BatchNormalization", "c s b m v", "n"),
            node("Relu", "n", "r"),
            node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
            node("GlobalAveragePool", "p", "g"),
            node("Flatten", "g", "f"),
            node("Gemm", "f h k", "y", transB=1),
        ],
        [value("x", ["n", 2, 8, 8])],
        [value("y", ["n", 3])],
        arrays(
            w=noise(4, 2, 3, 3),
            b=noise(4),
            s=noise(4),
            m=noise(4),
            v=abs(noise(4)),
            h=noise(3, 4),
            k=noise(3),
        ),
    )


def shapes():
    return model(
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "n", axis=0),
            node("Unsqueeze", "n zeros", "u"),
            node("Concat", "u rest", "to", axis=0),
            node("Reshape", "x to", "r"),
            node("Slice", "r zeros ones one_axis", "t"),
            node("Transpose", "t", "y", perm=[1, 0]),
        ],
        [value("x", ["n", 3, 4])],
        [value("y", [1, "n"])],
        arrays(
            zero=np.int64(0),
            zeros=np.array([0], np.int64),
            rest=np.array([-1], np.int64),
            ones=np.array([1], np.int64),
            one_axis=np.array([1], np.int64),
        ),
    )


def branch():
    sides = [
        helper.make_graph([node(kind, "x", "r")], kind, [], [value("r", ["n", 2])])
        for kind in ("Relu", "Neg")
    ]
    return model(
        [
            node("ReduceSum", "x", "sum", keepdims=0),
            node("Greater", "sum zero", "c"),
            node("If", "c", "y", then_branch=sides[0], else_branch=sides[1]),
        ],
        [value("x", ["n", 2])],
        [value("y", ["n", 2])],
        arrays(zero=np.float32(0)),
    )


def loop():
    body = helper.make_graph(
        [
            node("Add", "v x", "w"),
            node("Identity", "c", "d"),
            node("ReduceSum", "w", "k", keepdims=0),
        ],
        "body",
        [value("i", [], INT64), value("c", [], BOOL), value("v", [2])],
        [value("d", [], BOOL), value("w", [2]), value("k", [])],
    )
    return model(
        [node("Loop", "count true x", "y kept", body=body)],
        [value("x", [2])],
        [value("y", [2]), value("kept", [3])],
        arrays(count=np.int64(3), true=np.array(True)),
    )


def scan():
    body = helper.make_graph(
        [node("Add", "state next", "now"), node("Identity", "now", "kept")],
        "body",
        [value("state", [2]), value("next", [2])],
        [value("now", [2]), value("kept", [2])],
    )
    return model(
        [node("Scan", "x rows", "y all", num_scan_inputs=1, body=body)],
        [value("x", [2]), value("rows", [3, 2])],
        [value("y", [2]), value("all", [3, 2])],
    )


def function():
    made = helper.make_function(
        "own",
        "twice",
        ["x"],
        ["y"],
        [node("Elu", "x", "e"), node("Add", "e e", "y")],
        [helper.make_opsetid("", 21)],
        ["alpha"],
    )
    reference = made.node[0].attribute.add()
    reference.name = reference.ref_attr_name = "alpha"
    reference.type = onnx.AttributeProto.FLOAT
    return model(
        [helper.make_node("twice", ["x"], ["y"], domain="own", alpha=0.5)],
        [value("x", ["n", 2])],
        [value("y", ["n", 2])],
        functions=[made],
    )


def quantised():
    return model(
        [
            node("QuantizeLinear", "x s z", "q"),
            node("DequantizeLinear", "q s z", "d"),
            node("DequantizeLinear", "w s", "e"),
            node("MatMul", "d e", "y"),
        ],
        [value("x", ["n", 4])],
        [value("y", ["n", 2])],
        arrays(s=np.float32(0.1), z=np.uint8(128), w=np.arange(8, dtype=np.int8).reshape(4, 2)),
    )


def recurrent():
    return model(
        [node("LSTM", "x w r b", "y h c", hidden_size=2, direction="bidirectional")],
        [value("x", ["t", 1, 3])],
        [value("y", ["t", 2, 1, 2])],
        arrays(w=noise(2, 8, 3), r=noise(2, 8, 2), b=noise(2, 16)),
    )


def resizing():
    return model(
        [
            helper.make_node("Resize", ["x", "", "scales"], ["a"], mode="cubic", antialias=1),
            node("Pad", "a pads", "b", mode="reflect"),
            node("DepthToSpace", "b", "y", blocksize=2),
        ],
        [value("x", ["n", 4, 6, 6])],
        [value("y", ["n", 1, None, None])],
        arrays(
            scales=np.array([1, 1, 0.5, 1.5], np.float32),
            pads=np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        ),
    )


def attention():
    return model(
        [
            node("Attention", "q k v", "y", is_causal=1),
            node("LayerNormalization", "y s", "z", axis=-1),
        ],
        [value(name, [1, 2, 3, 4]) for name in "qkv"],
        [value("z", [1, 2, 3, 4])],
        arrays(s=noise(4)),
        opset=23,
    )


def detection():
    return model(
        [
            node("NonMaxSuppression", "boxes scores most overlap", "kept"),
            node("Gather", "kept column", "which", axis=1),
            node("Unique", "which", "y", sorted=0),
        ],
        [value("boxes", [1, 5, 4]), value("scores", [1, 2, 5])],
        [value("y", [None], INT64)],
        arrays(
            most=np.array([3], np.int64), overlap=np.array([0.5], np.float32), column=np.int64(2)
        ),
    )


def typed():
    """Tensors in every way that the file can hold them."""
    constants = [
        helper.make_tensor("f", FLOAT, [2], [1.0, 2.0]),
        helper.make_tensor("d", TensorProto.DOUBLE, [2], [1.0, 2.0]),
        helper.make_tensor("h", TensorProto.FLOAT16, [2], [1.0, 2.0]),
        helper.make_tensor("i", TensorProto.INT8, [2], [1, -2]),
        helper.make_tensor("n", TensorProto.INT4, [3], [1, -2, 3]),
        helper.make_tensor("u", TensorProto.UINT64, [1], [3]),
        helper.make_tensor("c", TensorProto.COMPLEX64, [1], [1 + 2j]),
        helper.make_tensor("t", TensorProto.BOOL, [2], [True, False]),
    ]
    nodes = [
        node("Cast", each.name, "c" + each.name, to=FLOAT)
        for each in constants
        if each.name in "fdhit"
    ]
    return model(
        [*nodes, node("Sum", "x cf cd ch ci ct", "y")],
        [value("x", [2])],
        [value("y", [2])],
        constants,
    )


def external():
    made = model(
        [node("MatMul", "x w", "y")],
        [value("x", ["n", 2])],
        [value("y", ["n", 2])],
        arrays(w=noise(2, 2)),
    )
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "w.bin"), ("offset", "0"), ("length", "16")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, text
    return made


def described():
    made = convolutional()
    made.producer_name, made.producer_version = "corpus", "1"
    helper.set_model_props(
        made,
        {
            "names": "{0: 'cat', 1: 'dog', 2: 'bird'}",
            "pellucid": '{"format": "pellucid-metadata", "version": 1, "labels": ["a", "b", "c"]}',
        },
    )
    return made


def unread():
    """What is refused: other domains, sparse weights, sequences."""
    made = model(
        [
            helper.make_node("Frobnicate", ["x"], ["a"], domain="com.example"),
            node("SequenceConstruct", "a a", "s"),
            node("ConcatFromSequence", "s", "y", axis=0),
        ],
        [value("x", ["n", 2])],
        [value("y", ["n", 2])],
        opset=21,
    )
    made.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            helper.make_tensor("sparse", FLOAT, [1], [1.0]),
            helper.make_tensor("places", INT64, [1], [1]),
            [4],
        )
    )
    return made


MODELS = [
    convolutional,
    shapes,
    branch,
    loop,
    scan,
    function,
    quantised,
    recurrent,
    resizing,
    attention,
    detection,
    typed,
    external,
    described,
    unread,
]


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in MODELS:
        onnx.save(make(), folder / f"{make.__name__}.onnx")


if __name__ == "__main__":
    main()
