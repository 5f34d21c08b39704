"""The page's sample photos out of examples/: small enough to come with the program.

python web/samples/make.py, from the repository's root; it needs Pillow.
"""

from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PHOTOS = HERE.parents[1] / "examples"
MOST_BYTES = 30_000
WIDTH = 480


def main():
    for source in ("chelsea.png", "coffee.png", "rocket.jpg"):
        photo = Image.open(PHOTOS / source).convert("RGB")
        height = round(photo.height * WIDTH / photo.width)
        target = (HERE / source).with_suffix(".webp")
        photo.resize((WIDTH, height), Image.Resampling.LANCZOS).save(target, quality=82, method=6)
        size = target.stat().st_size
        assert size <= MOST_BYTES, f"{target.name}: {size} bytes"
        print(target.name, size)


if __name__ == "__main__":
    main()
