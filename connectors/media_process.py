"""The process that decodes strangers' files: little memory and time, no writing, no secrets.

Run as a script with a path and IMAGE, AUDIO, VOICE or VIDEO; writes one line of JSON, then the
thumbnail. It imports nothing of ours.
"""

import array
import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any

import av
from PIL import Image, ImageOps

MAX_PIXELS = 100_000_000
MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 30
THUMBNAIL_PIXELS = 480
WAVEFORM_RATE = 4000
"""Samples a second that are looked at: loudness needs no more."""
SAMPLES_AT_ONCE = 400
BARS = 64
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and looked at before anything is decoded


class Unusable(Exception):  # noqa: N818 - a fact about the file
    """What keeps a picture from being shown, as a code."""


def thumbnail_of(picture: Image.Image) -> bytes:
    """Return a small picture of a picture, with nothing of what was written beside it."""
    picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    mode = "RGBA" if "transparency" in picture.info or picture.mode in ("RGBA", "LA") else "RGB"
    bare = Image.new(mode, picture.size)
    bare.paste(picture.convert(mode))
    buffer = io.BytesIO()
    bare.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def examine_image(path: str) -> tuple[dict[str, Any], bytes]:
    """Return the size of a picture as it is shown, and a thumbnail."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise Unusable("TOO_MANY_PIXELS")
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            picture.draft("RGB", (2 * THUMBNAIL_PIXELS, 2 * THUMBNAIL_PIXELS))
            picture.load()
            small = thumbnail_of(ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError, ValueError, MemoryError, EOFError) as error:
        raise Unusable("UNREADABLE") from error
    width, height = (height, width) if turned else (width, height)
    return {"width": width, "height": height}, small


def examine_media(path: str, kind: str) -> tuple[dict[str, Any], bytes]:
    """Return the duration of sound or moving pictures, and how they sound or look."""
    found: dict[str, Any] = {}
    small = b""
    with av.open(path, metadata_errors="ignore") as container:
        if container.duration:
            found["duration_ms"] = container.duration // 1000
        if kind == "VIDEO" and container.streams.video:
            frame = next(container.decode(container.streams.video[0]), None)
            if frame is not None and frame.width * frame.height <= MAX_PIXELS:
                found |= {"width": frame.width, "height": frame.height}
                small = thumbnail_of(frame.to_image())  # type: ignore[no-untyped-call]
        elif kind != "VIDEO" and container.streams.audio:
            peaks, length = loudness(container)
            found["waveform"] = bars(peaks)
            found.setdefault("duration_ms", length)
    return found, small


def loudness(container: Any) -> tuple[list[int], int]:
    """Return the loudest sample of each tenth of a second, and how many milliseconds there are."""
    peaks: list[int] = []
    waiting = array.array("h")
    count = 0
    for piece in _samples(container):
        waiting.frombytes(piece)
        whole = len(waiting) // SAMPLES_AT_ONCE * SAMPLES_AT_ONCE
        for place in range(0, whole, SAMPLES_AT_ONCE):
            part = waiting[place : place + SAMPLES_AT_ONCE]
            peaks.append(max(max(part), -min(part)))
        count += whole
        del waiting[:whole]
    if waiting:
        peaks.append(max(max(waiting), -min(waiting)))
    return peaks, (count + len(waiting)) * 1000 // WAVEFORM_RATE


def _samples(container: Any) -> Iterator[bytes]:
    """Yield the sound of a file as 16-bit samples of one channel."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=WAVEFORM_RATE)
    for frame in container.decode(audio=0):
        for part in resampler.resample(frame):
            yield bytes(part.planes[0])[: 2 * part.samples]
    for part in resampler.resample(None):
        yield bytes(part.planes[0])[: 2 * part.samples]


def bars(peaks: list[int]) -> list[int]:
    """Return at most 64 bars of 0 to 100, the loudest one being 100."""
    count = min(BARS, len(peaks))
    most = max(peaks, default=0) or 1
    places = [len(peaks) * bar // count for bar in range(count)] + [len(peaks)]
    parts = [peaks[places[bar] : places[bar + 1]] for bar in range(count)]
    return [100 * max(part) // most for part in parts]


def main(path: str, kind: str) -> None:
    """Examine a file, and write what was found."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    small = b""
    try:
        if kind == "IMAGE":
            found, small = examine_image(path)
        else:
            found, small = examine_media(path, kind)
    except Unusable as problem:
        found = {"problem": str(problem)}
    except (av.FFmpegError, MemoryError, OSError, ValueError):
        found = {"problem": "UNREADABLE"}
    sys.stdout.buffer.write(json.dumps(found).encode() + b"\n" + small)


if __name__ == "__main__":
    main(*sys.argv[1:3])
