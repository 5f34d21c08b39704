"""Export a network of your own for Pellucid: put yours in the place of `network` and run this file.

PYTHONPATH=python .venv/bin/python examples/my_network.py my_network.pt2
"""

import sys

import torch
from pellucid.export import export
from torch import nn

# Any nn.Module; load its weights here. This one is small and untrained: its answers mean nothing.
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(3, 16, 3, stride=2, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 3),
)

export(
    network,
    torch.zeros(1, 3, 96, 96),  # an input as the network takes it, batch first
    sys.argv[1] if len(sys.argv) > 1 else "my_network.pt2",
    # What is done to a photo before the network sees it: as you did it in training (docs/metadata.md), or
    # torchvision's weights.transforms(), or timm's create_transform().
    preprocessing={
        "resize": {"mode": "shorter_side", "size": 110, "interpolation": "bilinear"},
        "crop": {"mode": "center", "size": [96, 96]},
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
    labels=["cup", "cat", "rocket"],
    output_kind="logits",
    name="my_network",
)
