"""Exports a model as a `.pt2` that Pellucid explains: the program, its preprocessing, labels and a checked sample.

pellucid.export.export(model, torch.zeros(1, 3, 224, 224), "model.pt2",
                       preprocessing=weights.transforms(), labels=weights.meta["categories"])

python -m pellucid.export resnet50 resnet50.pt2
python -m pellucid.export model.keras model.onnx      (where Keras is installed)
"""

import argparse
import os
import sys

import torch
from torch.utils import _pytree as pytree

from pellucid.exporting import (
    ExportError,
    archive,
    keras_models,
    metadata,
    named_models,
    source_paths,
)
from pellucid.exporting import labels as label_lists
from pellucid.exporting import preprocessing as preprocessing_records
from pellucid.exporting import program as programs

__all__ = ["ExportError", "export", "main"]


def export(
    model,
    example,
    path,
    *,
    preprocessing=None,
    labels=None,
    output_kind=None,
    name=None,
    photo=None,
    dynamic_batch=True,
    dynamic_shapes=None,
    input_kinds=None,
    features=None,
    weights=None,
    sample=True,
    rewrite=None,
):
    """Writes `model` to `path` (`*.pt2`) and returns the torch.export.ExportedProgram that was written.

    model: an nn.Module or the name of one (torchvision, timm, efficientnet-lite0, module:function).
    example: a tensor, a tuple or a dict of inputs, batch first. None: taken from a named model, or from the photo.
    preprocessing: weights.transforms() of torchvision, a Compose (timm's create_transform), or a dict; of the one
        image input, or a dict from input names to these.
    labels: a name per class, or a list of synonyms of which the first is shown.
    output_kind: logits, probabilities, multilabel, binary, regression, dense or other; a list or a dict (by output)
        where there are several. None: the reader guesses, and says that it guessed.
    photo: a picture file for the recorded sample; a drawn one is used when an image input has none.
    dynamic_batch: False fixes the batch to the example's. Where export cannot make it dynamic, it is fixed and the
        file says why.
    dynamic_shapes: your own, as torch.export.export takes them, in place of the dynamic batch.
    input_kinds: a dict from input names to image, tensor, vector or tokens, where the guess from shapes is wrong.
    features: names of the entries of a vector input; a dict by input name where there are several.
    weights: what the weights are, in words, for the record; of a named model: which ones to load.
    sample: False records no sample input and outputs.
    rewrite: from the traced ExportedProgram to the one that is written: `lambda program: program.run_decompositions()`.
    """
    if isinstance(model, str):
        named = named_models.load(model, weights=weights)
        model, weights = named.model, named.weights
        name, preprocessing = name or named.name, preprocessing or named.preprocessing
        labels, output_kind = labels or named.labels, output_kind or named.output_kind
        if example is None and named.input_shape:
            example = torch.zeros(named.input_shape)
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"{type(model).__name__}: not an nn.Module")

    images = _image_preprocessing(preprocessing)
    if example is None:
        if len(images) != 1 or None not in images:
            raise ExportError(
                "no example, and no single image input whose preprocessing could make one"
            )
        example = _batched(_photo_for(photo, None), images[None], 1)

    with programs.evaluation_mode(model):
        traced = programs.trace(model, example, dynamic_batch, dynamic_shapes)
        program = rewrite(traced.program) if rewrite else traced.program
        source_paths.relativise(program)
        count = programs.batch_size(example) or 1
        if sample and traced.batch == "dynamic":
            example, count = programs.at_batch(example, 1), 1
        leaves = metadata.input_leaves(program, programs.arguments_of(example))
        images = _by_input(images, leaves)

        sample_inputs, photos = {}, {}
        for leaf_name, tensor, _ in leaves:
            sample_inputs[leaf_name] = tensor
            if sample and leaf_name in images:
                picture = _photo_for(photo, tensor, images[leaf_name])
                made = _batched(picture, images[leaf_name], count).to(tensor)
                if made.shape != tensor.shape:
                    raise ExportError(
                        f"input {leaf_name}: the preprocessing gives {tuple(made.shape)}, the example is {tuple(tensor.shape)}"
                    )
                sample_inputs[leaf_name] = made
                photos[leaf_name] = preprocessing_records.png_of(picture)
        outputs = metadata.output_leaves(
            _run(model, example, [sample_inputs[leaf[0]] for leaf in leaves])
        )

    entry, blobs = None, []
    if sample:
        entry, blobs = metadata.sample_entry(list(sample_inputs.items()), outputs, photos)
    document = metadata.document(
        name=name or type(model).__name__,
        traced=traced,
        inputs=[_input_entry(leaf, images, input_kinds or {}, features) for leaf in leaves],
        outputs=metadata.output_entries(outputs, output_kind),
        labels=label_lists.normalise(labels) if labels else None,
        weights=weights,
        sample=entry,
    )
    archive.write(program, path, document, blobs)
    return program


def _image_preprocessing(given):
    """By input name; the name None stands for the only image input."""
    if given is None:
        return {}
    if isinstance(given, dict) and not {"resize", "mean", "crop"} & set(given):
        return {name: preprocessing_records.of(one) for name, one in given.items()}
    return {None: preprocessing_records.of(given)}


def _by_input(images, leaves):
    names = [name for name, _, _ in leaves]
    if None in images:
        pictures = [
            name for name, tensor, _ in leaves if tensor.dim() == 4 and tensor.is_floating_point()
        ]
        if not pictures:
            raise ExportError(
                "a preprocessing was given, but no input is a float tensor of four axes"
            )
        return {pictures[0]: images[None]}
    if unknown := set(images) - set(names):
        raise ExportError(
            f"preprocessing: the model has no input {', '.join(sorted(unknown))}; it has {names}"
        )
    return images


def _photo_for(path, tensor, recorded=None):
    """The user's photo; a drawn one otherwise, of the input's size where nothing resizes or crops it."""
    if path is not None:
        return preprocessing_records.open_photo(path)
    if (
        recorded
        and recorded.record["resize"]["mode"] == "none"
        and recorded.record["crop"]["mode"] == "none"
    ):
        height, width = (
            tensor.shape[1:3] if recorded.record["layout"] == "NHWC" else tensor.shape[2:4]
        )
        return preprocessing_records.synthetic_photo(width, height)
    if (
        recorded
        and recorded.record["resize"]["mode"] == "shorter_side"
        and recorded.record["crop"]["mode"] == "none"
    ):
        height, width = tensor.shape[2:4]
        return preprocessing_records.synthetic_photo(2 * width, 2 * height)
    return preprocessing_records.synthetic_photo(360, 300)


def _batched(picture, recorded, count):
    tensor = recorded.transform(picture)
    return tensor[None].expand(count, *tensor.shape).contiguous()


def _run(model, example, tensors):
    """The eager model's answer to the sample; its buffers are left as they were."""
    rest = iter(tensors)
    args, kwargs = pytree.tree_map(
        lambda leaf: next(rest).clone() if isinstance(leaf, torch.Tensor) else leaf,
        programs.arguments_of(example),
    )
    return programs.undisturbed(model)(*args, **kwargs)


def _input_entry(leaf, images, kinds, features):
    name, tensor, shape = leaf
    kind = kinds.get(name) or metadata.guess_input_kind(tensor, name in images)
    if kind not in metadata.input_kinds:
        raise ExportError(f"input kind {kind!r}: one of {', '.join(metadata.input_kinds)}")
    entry = {"name": name, "kind": kind, "dtype": metadata.dtype_name(tensor), "shape": shape}
    if name in images:
        entry["preprocessing"] = images[name].record
    names = (
        features.get(name) if isinstance(features, dict) else features if kind == "vector" else None
    )
    if names:
        if len(names) != tensor.shape[-1]:
            raise ExportError(
                f"features: {len(names)} names for the {tensor.shape[-1]} entries of {name}"
            )
        entry["features"] = list(names)
    return entry


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m pellucid.export", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "model",
        help="a name of torchvision or timm, efficientnet-lite0, module:function, or a Keras file (*.keras, *.h5)",
    )
    parser.add_argument("out", help="the file to write, *.pt2; of a Keras model *.onnx")
    parser.add_argument(
        "--source",
        choices=named_models.sources,
        help="where the name comes from; guessed otherwise",
    )
    parser.add_argument(
        "--weights",
        help="a file, 'default', or a name of torchvision's; used only from this disk, else random",
    )
    parser.add_argument("--photo", help="a picture for the recorded sample")
    parser.add_argument("--input-shape", help="such as 1,3,224,224; needed for module:function")
    parser.add_argument(
        "--labels", help="a text file with a class per line, synonyms split by commas"
    )
    parser.add_argument("--output-kind", choices=metadata.output_kinds)
    parser.add_argument("--name", help="the model's name; its own otherwise")
    parser.add_argument("--fixed-batch", action="store_true", help="keep the batch of the example")
    words = parser.parse_args(arguments)
    try:
        return _command(words)
    except (ExportError, OSError) as error:
        print(f"pellucid.export: {error}", file=sys.stderr)
        return 1


def _keras_command(words):
    unused = {
        "--source": words.source,
        "--weights": words.weights,
        "--photo": words.photo,
        "--input-shape": words.input_shape,
        "--fixed-batch": words.fixed_batch,
    }
    if given := [flag for flag, value in unused.items() if value]:
        raise ExportError(f"{given[0]} means nothing for a Keras model")
    keras_models.export(
        words.model,
        words.out,
        labels=label_lists.read(words.labels) if words.labels else None,
        output_kind=words.output_kind,
        name=words.name,
    )
    print(f"{words.out} ({os.path.getsize(words.out) / 2**20:.1f} MiB)")
    return 0


def _command(words):
    if keras_models.is_keras_file(words.model):
        return _keras_command(words)
    named = named_models.load(words.model, words.source, words.weights)
    shape = (
        [int(size) for size in words.input_shape.split(",")]
        if words.input_shape
        else named.input_shape
    )
    if shape is None:
        raise ExportError(f"{words.model}: give --input-shape, such as 1,3,224,224")
    labels = label_lists.read(words.labels) if words.labels else named.labels
    if named.weights == "random":
        print(
            "pellucid.export: random weights; --weights names real ones that are on this disk",
            file=sys.stderr,
        )
    export(
        named.model,
        torch.randn(shape, generator=torch.Generator().manual_seed(0)),
        words.out,
        preprocessing=named.preprocessing,
        labels=labels,
        output_kind=words.output_kind or named.output_kind,
        name=words.name or named.name,
        photo=words.photo,
        dynamic_batch=not words.fixed_batch,
        weights=named.weights,
    )
    print(f"{words.out} ({os.path.getsize(words.out) / 2**20:.1f} MiB, weights {named.weights})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
