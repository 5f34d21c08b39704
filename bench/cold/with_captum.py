"""One photo, one network, from a cold start: what a user of captum would write. ARGS: PHOTO OUT.png"""

import sys

import network
import torch
from captum.attr import LayerAttribution, LayerGradCam

photo, data = network.read_photo(sys.argv[1])
model = network.load()
scores = model(data)
target = int(scores.argmax())
cam = LayerGradCam(model, network.last_convolution(model)).attribute(data, target=target)
cam = LayerAttribution.interpolate(torch.relu(cam), data.shape[2:], interpolate_mode="bilinear")
network.report(scores, photo, cam[0, 0].detach(), sys.argv[2])
