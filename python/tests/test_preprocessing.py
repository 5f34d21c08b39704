"""The record of a preprocessing gives what the real transform gives, for pictures of many shapes."""

import pytest
import torch
from conftest import root
from pellucid.exporting import ExportError, preprocessing
from pellucid.exporting.torchvision_shim import import_torchvision
from PIL import Image

torchvision = import_torchvision()
transforms = torchvision.transforms

shapes = [(451, 300), (300, 451), (640, 427), (97, 31), (224, 224), (1000, 13), (33, 200)]


def picture(width, height):
    photo = Image.open(root / "examples" / "chelsea.png").convert("RGB")
    return photo.resize((width, height), Image.Resampling.BOX)


def assert_equal_pixels(transform, record, width, height):
    photo = picture(width, height)
    ours, theirs = preprocessing.apply(photo, record), transform(photo)
    # Both resize in uint8; what remains is rounding of the division by the deviation.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("width", "height"), shapes)
@pytest.mark.parametrize("name", ["resnet50", "inception_v3", "swin_t", "vit_l_16"])
def test_torchvisions_classification_presets(name, width, height):
    preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    made = preprocessing.of(preset)
    assert made.record["resize"]["size"] == preset.resize_size[0]
    assert_equal_pixels(preset, made.record, width, height)


@pytest.mark.parametrize(("width", "height"), [(451, 300), (300, 451), (97, 31)])
def test_torchvisions_segmentation_preset(width, height):
    preset = torchvision.models.get_model_weights("fcn_resnet50").DEFAULT.transforms()
    made = preprocessing.of(preset)
    assert made.record["crop"] == {"mode": "none", "size": None}
    assert_equal_pixels(preset, made.record, width, height)


@pytest.mark.parametrize(("width", "height"), shapes)
@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize("size", [(224, 224), (192, 256)])
@pytest.mark.parametrize("crop_pct", [0.9, 1.0])
def test_timms_transforms(crop_mode, size, crop_pct, width, height):
    timm_data = pytest.importorskip("timm.data")
    transform = timm_data.create_transform(
        (3, *size),
        crop_pct=crop_pct,
        crop_mode=crop_mode,
        interpolation="bicubic",
        mean=(0.48, 0.45, 0.4),
        std=(0.2, 0.3, 0.25),
    )
    made = preprocessing.of(transform)
    modes = {"center": "shorter_side", "squash": "squash", "border": "longer_side"}
    assert made.record["resize"]["mode"] == modes[crop_mode]
    assert made.record["mean"] == [0.48, 0.45, 0.4], "short decimals, not float32 written out"
    assert_equal_pixels(transform, made.record, width, height)


def test_a_compose_written_by_hand():
    transform = transforms.Compose(
        [
            transforms.Resize((40, 50), interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(48),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    record = preprocessing.of(transform).record
    assert record["resize"] == {
        "mode": "squash",
        "size": [40, 50],
        "max_size": None,
        "interpolation": "bicubic",
    }
    assert record["crop"] == {"mode": "center", "size": [48, 48]}
    assert_equal_pixels(transform, record, 451, 300)


@pytest.mark.parametrize(("width", "height"), [(451, 300), (300, 451), (97, 31), (33, 200)])
def test_a_bound_on_the_longer_side(width, height):
    transform = transforms.Compose([transforms.Resize(40, max_size=70), transforms.ToTensor()])
    assert_equal_pixels(transform, preprocessing.of(transform).record, width, height)


@pytest.mark.parametrize("step", [transforms.RandomCrop(3), transforms.Grayscale()])
def test_a_step_without_a_record_is_refused_by_name(step):
    with pytest.raises(ExportError, match=type(step).__name__):
        preprocessing.of(transforms.Compose([step, transforms.ToTensor()]))


def test_a_grey_network_and_channels_last():
    photo = picture(20, 10)
    grey = preprocessing.record(mean=(0.5,), std=(0.5,))
    assert preprocessing.apply(photo, grey).shape == (1, 10, 20)
    last = preprocessing.record(layout="NHWC")
    first = preprocessing.record()
    assert torch.equal(
        preprocessing.apply(photo, last).permute(2, 0, 1), preprocessing.apply(photo, first)
    )


def test_a_dict_may_leave_out_what_has_a_default():
    given = preprocessing.of(
        {"mean": [0.5], "std": [0.25], "resize": {"mode": "squash", "size": [8, 8]}}
    )
    assert given.record["color"] == "L" and given.record["resize"]["interpolation"] == "bilinear"
    assert given.transform(preprocessing.synthetic_photo(20, 10)).shape == (1, 8, 8)


def test_a_photo_is_turned_upright(tmp_path):
    photo = picture(20, 10)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "turned.png", exif=exif)
    assert preprocessing.open_photo(tmp_path / "turned.png").size == (10, 20)


def test_the_drawn_photo_has_edges_and_is_always_the_same():
    photo = preprocessing.synthetic_photo(60, 40)
    assert (
        photo.size == (60, 40)
        and photo.tobytes() == preprocessing.synthetic_photo(60, 40).tobytes()
    )
    assert len(photo.getcolors(60 * 40)) > 500
