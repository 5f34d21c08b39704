"""Writes a small network of Keras as tf2onnx exports it, with what TensorFlow itself says of two pictures.

python test/onnx/make_keras.py test/onnx/keras      (with tensorflow-cpu, tf2onnx and onnx; this repository needs none)
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from keras import layers


def network():
    """Height and width differ, so that a turned map is seen."""
    image = keras.Input((32, 24, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="stem")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="bn")(x))
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.Conv2D(8, 1, name="pointwise", activation="swish")(y)
    s = layers.GlobalAveragePooling2D(keepdims=True)(y)
    y = layers.Multiply()([y, layers.Conv2D(8, 1, activation="sigmoid", name="excite")(s)])
    x = layers.MaxPooling2D(2)(layers.Add(name="sum")([x, y]))
    x = layers.Conv2D(12, 3, padding="valid", activation="relu", name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(5, name="scores")(x), name="small")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(2)
    model = network()
    model.get_layer("bn").set_weights(
        [random.uniform(0.5, 1.5, 8), *random.normal(0, 0.2, (2, 8)), random.uniform(0.5, 1.5, 8)]
    )
    x = random.uniform(0, 255, (2, 32, 24, 3)).astype(np.float32)
    scores = model(x)
    target = int(np.argmax(scores[0]))
    both = keras.Model(model.input, [model.get_layer("last").output, model.output])
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        activation, answer = both(given)
        score = tf.reduce_sum(answer[:, target])
    gradient, at_layer = tape.gradient(score, [given, activation])
    weights = tf.reduce_mean(at_layer, axis=(1, 2), keepdims=True)
    model.export(str(folder / "small.onnx"), format="onnx", verbose=False)
    np.savez_compressed(
        folder / "small.npz",
        x=x,
        scores=scores,
        target=target,
        gradient=gradient,
        last=activation,
        grad_cam=tf.reduce_sum(weights * activation, axis=-1),  # as it is, without the paper's ReLU
    )


if __name__ == "__main__":
    main()
