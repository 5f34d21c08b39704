"""Makes test/input/data: pictures of every kind, and what Pillow, torchvision and timm make of them.

Run by hand from the repository's root, with Pillow, numpy, torch, torchvision and timm:
    python test/input/make_goldens.py
Pictures stand under data/pictures; all expected arrays stand one after another in data/expected.bin, listed with
name, dtype, shape and offset in data/expected.json.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
DATA = HERE / "data"
PICTURES = DATA / "pictures"
PHOTOS = {
    name: HERE.parent.parent / "examples" / name
    for name in ("chelsea.png", "coffee.png", "rocket.jpg")
}

expected = {}


def keep(name, array):
    expected[name] = np.ascontiguousarray(array)


def write_expected():
    index, blob = [], bytearray()
    for name, array in expected.items():
        index.append(
            {
                "name": name,
                "dtype": str(array.dtype),
                "shape": list(array.shape),
                "offset": len(blob),
            }
        )
        blob += array.tobytes()
    (DATA / "expected.json").write_text(json.dumps(index, indent=0) + "\n")
    (DATA / "expected.bin").write_bytes(blob)


def pillow_rgb(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    return np.asarray(image.convert("RGB"))


def picture(name, data, pixels=None):
    """Keeps a file and its pixels: Pillow's, unless given (where Pillow's are not what ours should be)."""
    (PICTURES / name).write_bytes(data)
    keep(name, pillow_rgb(data) if pixels is None else pixels)


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def base_image():
    photo = (
        Image.open(PHOTOS["chelsea.png"]).convert("RGB").crop((100, 60, 396, 244)).resize((37, 23))
    )
    pixels = np.asarray(photo).copy()
    pixels[:6, :8] = [255, 0, 0]  # an asymmetric mark, so that no turn can be mistaken for another
    pixels[-3:, -12:] = [0, 0, 255]
    return Image.fromarray(pixels)


def alpha_of(image):
    ramp = np.linspace(0, 255, image.width).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(ramp, (image.height, image.width)).copy())


def orientation_exif(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


# --- PNG by hand: what Pillow cannot write ---

ADAM7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, color, rows, interlaced=False, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    body = b"".join(b"\0" + row for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(body))
        + png_chunk(b"IEND", b"")
    )


def interlaced_png(pixels):
    rows = []
    for x, y, dx, dy in ADAM7:
        part = pixels[y::dy, x::dx]
        if part.size:
            rows += [row.tobytes() for row in part]
    return png(pixels.shape[1], pixels.shape[0], 8, 2, rows, interlaced=True)


def packed_rows(indices, depth):
    rows = []
    for row in indices:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


# --- BMP by hand ---


def bmp(width, height, bits, data, compression=0, palette=b"", masks=b"", core=False):
    if core:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        colors = len(palette) // 4
        info = struct.pack(
            "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, colors, 0
        )
    offset = 14 + len(info) + len(masks) + len(palette)
    return (
        b"BM"
        + struct.pack("<IHHI", offset + len(data), 0, 0, offset)
        + info
        + masks
        + palette
        + data
    )


def padded(row):
    return row + b"\0" * (-len(row) % 4)


def make_bmps(image):
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    picture("rgb.bmp", saved(image, "BMP"))
    picture("one_bit.bmp", saved(image.convert("1"), "BMP"))
    picture("palette.bmp", saved(image.quantize(50), "BMP"))
    picture(
        "alpha.bmp", saved(Image.merge("RGBA", (*image.split(), alpha_of(image))), "BMP"), pixels
    )  # Pillow itself drops the alpha here
    bgr = pixels[:, :, ::-1]
    top_down = b"".join(padded(row.tobytes()) for row in bgr)
    picture("top_down.bmp", bmp(width, -height, 24, top_down))
    core = b"".join(padded(row.tobytes()) for row in bgr[::-1])
    picture("core_header.bmp", bmp(width, height, 24, core, core=True))

    quantized = image.quantize(16)
    indices = np.asarray(quantized)
    colors = np.array(quantized.getpalette()[:48], np.uint8).reshape(16, 3)
    palette = b"".join(bytes([b, g, r, 0]) for r, g, b in colors)
    nibbles = b"".join(padded(row) for row in packed_rows(indices[::-1], 4))
    picture("four_bits.bmp", bmp(width, height, 4, nibbles, palette=palette))

    wide = pixels.astype(np.uint16)
    five = (wide[..., 0] >> 3 << 10) | (wide[..., 1] >> 3 << 5) | (wide[..., 2] >> 3)
    picture(
        "555.bmp", bmp(width, height, 16, b"".join(padded(row.tobytes()) for row in five[::-1]))
    )
    six = (wide[..., 0] >> 3 << 11) | (wide[..., 1] >> 2 << 5) | (wide[..., 2] >> 3)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    picture(
        "565.bmp",
        bmp(
            width, height, 16, b"".join(padded(row.tobytes()) for row in six[::-1]), 3, masks=masks
        ),
    )

    runs = bytearray()
    for row in indices[::-1]:
        x = 0
        while x < width:
            count = 1
            while x + count < width and row[x + count] == row[x]:
                count += 1
            if count == 1 and width - x >= 4:  # an absolute run, odd length on purpose
                runs += bytes([0, 3, *row[x : x + 3], 0])
                x += 3
            else:
                runs += bytes([count, row[x]])
                x += count
        runs += b"\0\0"
    runs += b"\0\1"
    picture("runs.bmp", bmp(width, height, 8, bytes(runs), 1, palette=palette), colors[indices])


def make_jpegs(image):
    picture("rgb.jpg", saved(image, "JPEG", quality=90))
    picture("full_chroma.jpg", saved(image, "JPEG", quality=95, subsampling=0))
    picture("progressive.jpg", saved(image, "JPEG", quality=85, progressive=True))
    picture("grey.jpg", saved(image.convert("L"), "JPEG"))
    picture("cmyk.jpg", saved(image.convert("CMYK"), "JPEG", quality=95))
    for value in range(1, 9):
        picture(
            f"orientation_{value}.jpg",
            saved(image, "JPEG", quality=90, exif=orientation_exif(value)),
        )
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    picture("orientation_xmp.jpg", saved(image, "JPEG", quality=90, xmp=xmp))


def make_pngs(image):
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    alpha = alpha_of(image)
    picture("rgb.png", saved(image, "PNG"))
    picture("grey.png", saved(image.convert("L"), "PNG"))
    picture("grey_alpha.png", saved(Image.merge("LA", (image.convert("L"), alpha)), "PNG"))
    picture("alpha.png", saved(Image.merge("RGBA", (*image.split(), alpha)), "PNG"))
    picture("palette.png", saved(image.quantize(40), "PNG"))
    picture("palette_transparent.png", saved(image.quantize(16), "PNG", transparency=3))
    picture("one_bit.png", saved(image.convert("1"), "PNG"))
    picture("interlaced.png", interlaced_png(pixels))
    grey = np.asarray(image.convert("L"))
    for depth in (2, 4):
        rows = packed_rows(grey >> (8 - depth), depth)
        picture(f"grey_{depth}_bits.png", png(width, height, depth, 0, rows))
    wide = pixels.astype(np.uint16) * 256 + (np.arange(width, dtype=np.uint16) * 5)[None, :, None]
    picture(
        "rgb_16_bits.png", png(width, height, 16, 2, [row.astype(">u2").tobytes() for row in wide])
    )
    wide_grey = grey.astype(np.uint16) * 256 + 77
    # Pillow clips 16-bit grey to 255 in some versions; ours is defined as the high byte.
    picture(
        "grey_16_bits.png",
        png(width, height, 16, 0, [row.astype(">u2").tobytes() for row in wide_grey]),
        np.repeat(grey[:, :, None], 3, axis=2),
    )
    picture("orientation.png", saved(image, "PNG", exif=orientation_exif(8)))


def make_webps(image):
    alpha = alpha_of(image)
    picture("lossy.webp", saved(image, "WEBP", quality=80))
    picture("lossless.webp", saved(image, "WEBP", lossless=True))
    with_alpha = Image.merge("RGBA", (*image.split(), alpha))
    picture("alpha.webp", saved(with_alpha, "WEBP", lossless=True, exact=True))
    picture(
        "animated.webp",
        saved(image, "WEBP", lossless=True, save_all=True, append_images=[image.rotate(180)]),
    )
    picture(
        "orientation.webp", saved(image, "WEBP", lossless=True, exif=orientation_exif(5).tobytes())
    )


def make_tiffs(image):
    alpha = alpha_of(image)
    grey = image.convert("L")
    picture("rgb.tif", saved(image, "TIFF"))
    picture("lzw.tif", saved(image, "TIFF", compression="tiff_lzw"))
    picture("deflate.tif", saved(image, "TIFF", compression="tiff_adobe_deflate"))
    picture("grey.tif", saved(grey, "TIFF"))
    picture("one_bit.tif", saved(image.convert("1"), "TIFF", compression="group4"))
    picture("palette.tif", saved(image.quantize(30), "TIFF"))
    picture("cmyk.tif", saved(image.convert("CMYK"), "TIFF"))
    picture("alpha.tif", saved(Image.merge("RGBA", (*image.split(), alpha)), "TIFF"))
    picture("jpeg.tif", saved(image, "TIFF", compression="jpeg", quality=95))
    picture("pages.tif", saved(image, "TIFF", save_all=True, append_images=[image.rotate(180)]))
    picture("orientation.tif", saved(image, "TIFF", tiffinfo={0x0112: 6}))
    wide = Image.fromarray(np.asarray(grey).astype(np.uint16) * 256 + 99)
    picture(
        "grey_16_bits.tif", saved(wide, "TIFF"), np.repeat(np.asarray(grey)[:, :, None], 3, axis=2)
    )


FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def make_resizes():
    noise = np.random.default_rng(7).integers(0, 256, (47, 61, 3), dtype=np.uint8)
    keep("noise", noise)
    for name, kind in FILTERS.items():
        for height, width in ((13, 20), (47, 20), (13, 61), (59, 71), (1, 1), (90, 7)):
            resized = Image.fromarray(noise).resize((width, height), kind)
            keep(f"noise {name} {height}x{width}", np.asarray(resized))
    for name, path in PHOTOS.items():
        photo = Image.open(path).convert("RGB")
        for kind in ("bilinear", "bicubic", "lanczos"):
            for height, width in ((256, 384), (97, 131), (613, 911), (300, 224)):
                resized = np.asarray(photo.resize((width, height), FILTERS[kind]))
                step = 11 if height < 600 else 29
                keep(f"{name} {kind} {height}x{width} every {step}", resized[::step, ::step])


def make_preprocessed():
    from timm.data.transforms_factory import create_transform
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms._presets import ImageClassification

    weights = {  # as weights.transforms() of the named torchvision weights are defined
        "resnet50": ImageClassification(crop_size=224, resize_size=232),
        "resnet18": ImageClassification(crop_size=224),
        "inception_v3": ImageClassification(crop_size=299, resize_size=342),
        "efficientnet_b0": ImageClassification(
            crop_size=224, resize_size=256, interpolation=InterpolationMode.BICUBIC
        ),
        "swin_t": ImageClassification(
            crop_size=224, resize_size=232, interpolation=InterpolationMode.BICUBIC
        ),
        "enlarging": ImageClassification(crop_size=520, resize_size=512),
        "padding": ImageClassification(crop_size=301, resize_size=256),
    }
    common = {"is_training": False, "mean": (0.5, 0.4, 0.3), "std": (0.5, 0.25, 0.2)}
    timm = {
        "timm_center": dict(input_size=224, crop_pct=0.95, interpolation="bicubic"),
        "timm_oblong": dict(
            input_size=(3, 192, 160), crop_pct=0.9, crop_mode="center", interpolation="bicubic"
        ),
        "timm_squash": dict(
            input_size=224, crop_pct=1.0, crop_mode="squash", interpolation="bicubic"
        ),
        "timm_border": dict(
            input_size=224, crop_pct=1.0, crop_mode="border", interpolation="bilinear"
        ),
    }
    transforms = {
        **weights,
        **{name: create_transform(**settings, **common) for name, settings in timm.items()},
    }
    for photo, path in PHOTOS.items():
        image = Image.open(path).convert("RGB")
        for name, transform in transforms.items():
            tensor = transform(image).numpy()
            keep(f"{name} {photo}", tensor[:, ::17, ::17])
            keep(f"{name} {photo} mean", tensor.astype(np.float64).mean(axis=(1, 2)))


def make_arrays():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7
    for name, array in {
        "c_order": values,
        "fortran": np.asfortranarray(values),
        "scalar": np.float64(2.5),
        "bool": values > 1,
        "half": values.astype("<f2"),
        "bytes": values.astype(np.uint8),
        "longs": values.astype("<i8"),
        "empty": np.zeros((0, 3), "<f4"),
    }.items():
        np.save(DATA / f"{name}.npy", array)


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    image = base_image()
    make_jpegs(image)
    make_pngs(image)
    make_webps(image)
    make_tiffs(image)
    make_bmps(image)
    make_resizes()
    make_arrays()
    make_preprocessed()
    write_expected()
