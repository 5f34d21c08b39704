"""One photo, one network, from a cold start: what a user of pytorch-grad-cam would write. ARGS: PHOTO OUT.png"""

import sys

import network
import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

photo, data = network.read_photo(sys.argv[1])
model = network.load()
with torch.inference_mode():
    scores = model(data)
target = int(scores.argmax())
cam = GradCAM(model, [network.last_convolution(model)])
grid = cam(input_tensor=data, targets=[ClassifierOutputTarget(target)])[0]
picture = show_cam_on_image(np.asarray(photo, dtype=np.float32) / 255, grid, use_rgb=True)
Image.fromarray(picture).save(sys.argv[2])
network.top_five(scores)
