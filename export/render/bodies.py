"""Bodies of packagings as facets: carton with gable, box, card, and round or soft bodies as shaded reliefs.

Round bodies (can, bottle, jar) are solids of revolution: each row has a
radius, the label is wrapped around it by ``asin`` and shaded by its normal.
They and the soft bodies (bag, tube) are then one facet with alpha, which the
camera may tilt a little.

Example:
    >>> import numpy as np
    >>> from export.render.products import training_product
    >>> facets = body(training_product(np.random.default_rng(1), "carton"), yaw=0.3, pitch=0.2)
    >>> len(facets) >= 6
    True
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.artwork import Artwork, draw_artwork
from export.render.camera import RGBA, Facet
from export.render.palette import NEAR_BLACK, Colour, mix
from export.render.products import Product

Profile = NDArray[np.float32]


def body(product: Product, yaw: float = 0.0, pitch: float = 0.0, height: int = 320) -> list[Facet]:
    """Build the facets of a product.

    Args:
        product: What to build.
        yaw: Turn about the upright axis in radians; round bodies turn their label by it.
        pitch: Tilt towards the camera in radians; round bodies curve their rims by it.
        height: Pixels of the artwork from top to bottom.

    Returns:
        Facets around the origin, about one unit high.
    """
    artwork = draw_artwork(product, height)
    width, tall, depth = product.design.proportions
    if product.packaging == "carton":
        return _carton(artwork, width, depth)
    if product.packaging == "box":
        return _cuboid(artwork, width, tall, depth)
    if product.packaging == "card":
        return [_flat(_card(artwork), width, tall)]
    relief = _relief(product, artwork, yaw, pitch)
    return [_flat(relief, tall * relief.shape[1] / relief.shape[0], tall)]


def turns_in_space(product: Product) -> bool:
    """Tell whether the camera may yaw this body freely; reliefs have no back, and round ones turn their label."""
    return product.packaging in ("carton", "box")


def _flat(texture: RGBA, width: float, height: float) -> Facet:
    x, y = width / 2, height / 2
    return Facet(texture, np.array([[-x, y, 0], [x, y, 0], [x, -y, 0], [-x, -y, 0]], dtype=np.float64))


def _quad(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...], d: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array([a, b, c, d], dtype=np.float64)


def _walls(artwork: Artwork, x: float, top: float, low: float, z: float) -> list[Facet]:
    """Return the four walls of a cuboid; front and back carry the front art, the others the side panel."""
    return [
        Facet(artwork.front, _quad((-x, top, z), (x, top, z), (x, low, z), (-x, low, z))),
        Facet(artwork.side, _quad((x, top, z), (x, top, -z), (x, low, -z), (x, low, z))),
        Facet(artwork.side, _quad((-x, top, -z), (-x, top, z), (-x, low, z), (-x, low, -z))),
        Facet(artwork.front, _quad((x, top, -z), (-x, top, -z), (-x, low, -z), (x, low, -z))),
    ]


def _cuboid(artwork: Artwork, width: float, height: float, depth: float) -> list[Facet]:
    x, y, z = width / 2, height / 2, depth / 2
    lid = Facet(artwork.top, _quad((-x, y, -z), (x, y, -z), (x, y, z), (-x, y, z)))
    floor = Facet(artwork.top, _quad((-x, -y, z), (x, -y, z), (x, -y, -z), (-x, -y, -z)))
    return [*_walls(artwork, x, y, -y, z), lid, floor]


def _carton(artwork: Artwork, width: float, depth: float) -> list[Facet]:
    """A drink carton: walls, two sloping roofs, two gables, an upright fin, a cap where the family has one."""
    x, z = width / 2, depth / 2
    eaves, ridge, fin = 0.33, 0.47, 0.53
    facets = _walls(artwork, x, eaves, -0.5, z)
    roof = artwork.top
    gable = np.full((8, 8, 3), artwork.side[: max(2, artwork.side.shape[0] // 20)].mean(axis=(0, 1)), np.uint8)
    facets.append(Facet(roof, _quad((-x, ridge, 0), (x, ridge, 0), (x, eaves, z), (-x, eaves, z))))
    facets.append(Facet(roof, _quad((x, ridge, 0), (-x, ridge, 0), (-x, eaves, -z), (x, eaves, -z))))
    facets.append(Facet(gable, _quad((x, ridge, 0.001), (x, ridge, -0.001), (x, eaves, -z), (x, eaves, z))))
    facets.append(Facet(gable, _quad((-x, ridge, -0.001), (-x, ridge, 0.001), (-x, eaves, z), (-x, eaves, -z))))
    strip = np.ascontiguousarray(artwork.front[:6])
    facets.append(Facet(strip, _quad((-x, fin, 0.004), (x, fin, 0.004), (x, ridge, 0.004), (-x, ridge, 0.004))))
    if sum(artwork.cap) % 3 != 0:
        facets.append(_cap(artwork.cap, (eaves + ridge) / 2 + 0.015, z / 2 + 0.015, 0.28 * x))
    return facets


def _cap(colour: Colour, y: float, z: float, radius: float) -> Facet:
    """A screw cap seen from the front: a ribbed drum as a small cut-out."""
    drum = np.zeros((40, 40, 4), np.uint8)
    cv2.ellipse(drum, (20, 26), (18, 12), 0, 0, 360, (*mix(colour, NEAR_BLACK, 0.35), 255), -1)
    cv2.rectangle(drum, (2, 14), (38, 26), (*mix(colour, NEAR_BLACK, 0.2), 255), -1)
    for rib in range(4, 38, 4):
        cv2.line(drum, (rib, 16), (rib, 34), (*mix(colour, NEAR_BLACK, 0.4), 255), 1)
    cv2.ellipse(drum, (20, 14), (18, 11), 0, 0, 360, (*colour, 255), -1)
    corners = _quad((-radius, y + radius, z), (radius, y + radius, z), (radius, y - radius, z), (-radius, y - radius, z))
    return Facet(drum, corners)


def _card(artwork: Artwork) -> RGBA:
    """A flat print with round corners and a faint sheen."""
    height, width = artwork.front.shape[:2]
    alpha = np.zeros((height, width), np.uint8)
    corner = max(2, width // 24)
    cv2.rectangle(alpha, (corner, 0), (width - 1 - corner, height - 1), 255, -1)
    cv2.rectangle(alpha, (0, corner), (width - 1, height - 1 - corner), 255, -1)
    for x in (corner, width - 1 - corner):
        for y in (corner, height - 1 - corner):
            cv2.circle(alpha, (x, y), corner, 255, -1)
    sheen = np.linspace(1.06, 0.92, width, dtype=np.float32)[None, :, None]
    return np.dstack([np.clip(artwork.front * sheen, 0, 255).astype(np.uint8), alpha])


def _relief(product: Product, artwork: Artwork, yaw: float, pitch: float) -> RGBA:
    if product.packaging == "bag":
        return _bag(artwork, product.design.variant_seed)
    if product.packaging == "tube":
        return _tube(artwork)
    skin, radii, drop = _round_skin(product, artwork, pitch)
    return _revolve(skin, radii, yaw, drop)


def _wrap(artwork: Artwork) -> NDArray[np.uint8]:
    """Lay the label out flat: side, front, side; the front covers two thirds of the half turn that is seen."""
    height, width = artwork.front.shape[:2]
    side = cv2.resize(artwork.side, (width // 2, height), interpolation=cv2.INTER_AREA)
    return np.hstack([side, artwork.front, side])


def _round_skin(product: Product, artwork: Artwork, pitch: float) -> tuple[NDArray[np.uint8], Profile, float]:
    """Return the flat skin (label, glass, cap), the radius of each row in shares of the widest, and the rim's drop."""
    label = _wrap(artwork)
    height, width = artwork.front.shape[:2]
    if product.packaging == "can":
        skin, radii = label.copy(), np.ones(height, np.float32)
        rim = max(2, height // 28)
        skin[:rim], skin[-rim:] = (200, 202, 206), (188, 190, 194)
        radii[:rim] = np.linspace(0.9, 1.0, rim)
        radii[-rim:] = np.linspace(1.0, 0.9, rim)
        return skin, radii, 0.28 * np.sin(abs(pitch) + 0.08)
    neck = 0.34 if product.packaging == "bottle" else 0.16
    above = round(height * neck)
    cap = round(above * (0.42 if product.packaging == "bottle" else 0.8))
    glass = np.empty((above, label.shape[1], 3), np.uint8)
    glass[:] = artwork.body
    glass[:cap] = artwork.cap
    base = np.empty((max(4, height // 16), label.shape[1], 3), np.uint8)
    base[:] = artwork.body
    narrow = 0.36 if product.packaging == "bottle" else 0.88
    slope = np.linspace(0, 1, above - cap, dtype=np.float32)
    shoulder = narrow + (1 - narrow) * (3 * slope**2 - 2 * slope**3)
    radii = np.concatenate(
        [np.full(cap, narrow + 0.05), shoulder, np.ones(height), np.linspace(1, 0.93, len(base))]
    ).astype(np.float32)
    skin = np.concatenate([glass, label, base])
    shrink = height / len(skin)
    size = (max(8, round(skin.shape[1] * shrink)), height)
    skin = cv2.resize(skin, size, interpolation=cv2.INTER_AREA)
    radii = cv2.resize(radii[:, None], (1, height), interpolation=cv2.INTER_LINEAR)[:, 0]
    return skin, radii, 0.22 * np.sin(abs(pitch) + 0.05)


def _revolve(skin: NDArray[np.uint8], radii: Profile, yaw: float, drop: float) -> RGBA:
    """Wrap a flat skin around a solid of revolution.

    Args:
        skin: (h, w, 3) uint8, half a turn wide.
        radii: (h,) radius of each row, 1 at the widest.
        yaw: Turn of the label in radians.
        drop: How far the middle of a rim hangs below its ends, in shares of the radius.

    Returns:
        (h', w', 4) uint8 RGBA.
    """
    height, width = skin.shape[:2]
    wide = max(8, round(width * 2 / np.pi))
    sag = float(drop * wide / 2)
    across = (np.arange(wide, dtype=np.float32) + 0.5) / wide * 2 - 1
    rows = np.arange(height + 2 * int(np.ceil(sag)), dtype=np.float32)[:, None]
    bow = sag * np.sqrt(np.maximum(1 - across**2, 0))[None, :]
    source_y = (rows - bow).astype(np.float32)
    row = np.clip(source_y, 0, height - 1).astype(np.int32)
    position = across[None, :] / radii[row]
    angle = np.arcsin(np.clip(position, -1, 1))
    source_x = (angle + yaw) / np.pi * width + width / 2
    picture = cv2.remap(skin, source_x.astype(np.float32), source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cosine = np.sqrt(np.maximum(1 - np.clip(position, -1, 1) ** 2, 0))
    shade = 0.45 + 0.62 * cosine - 0.12 * position
    glint = 60 * np.exp(-(((angle + 0.55) / 0.16) ** 2)) + 25 * np.exp(-(((angle - 0.85) / 0.08) ** 2))
    lit = np.clip(picture * shade[..., None] + glint[..., None], 0, 255).astype(np.uint8)
    alpha = ((np.abs(position) <= 1) & (source_y > -0.5) & (source_y < height)).astype(np.uint8) * 255
    relief = np.dstack([lit, alpha])
    if sag > 1:
        _lid(relief, radii[0] * wide / 2, sag * radii[0], skin[0].mean(axis=0))
    return relief


def _lid(relief: RGBA, radius: float, sag: float, colour: NDArray[np.float64]) -> None:
    """Close the top with an ellipse and an inner ring."""
    centre = (relief.shape[1] // 2, round(sag) + 1)
    tone = np.clip(colour * 1.02, 0, 255)
    axes = (max(1, round(radius) - 1), max(1, round(sag)))
    cv2.ellipse(relief, centre, axes, 0, 0, 360, (*(float(c) for c in tone), 255.0), -1, cv2.LINE_AA)
    inner = (max(1, round(axes[0] * 0.86)), max(1, round(axes[1] * 0.8)))
    cv2.ellipse(relief, centre, inner, 0, 0, 360, (*(float(c) for c in tone * 0.82), 255.0), -1, cv2.LINE_AA)


def _soft_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> NDArray[np.float32]:
    coarse = rng.standard_normal((cells + 1, cells)).astype(np.float32)
    smooth: NDArray[np.float32] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth


def _bag(artwork: Artwork, seed: int) -> RGBA:
    """A pillow bag: crimped ends, bulging middle, creases."""
    rng = np.random.default_rng(seed)
    height, width = artwork.front.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    crease = _soft_noise(rng, height, width, 6)
    y, x = rows / height * 2 - 1, columns / width * 2 - 1
    waist = 0.965 + 0.025 * np.cos(y * np.pi) + 0.01 * crease[:, width // 2 : width // 2 + 1]
    push = 0.012 * width * crease
    picture = cv2.remap(
        artwork.front, (x / waist + 1) / 2 * width + push, rows + push, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    bulge = 1.08 - 0.3 * np.abs(x) ** 3 - 0.22 * np.abs(y) ** 5 - 0.06 * x
    fold = cv2.Sobel(cv2.GaussianBlur(crease, (0, 0), width / 40), cv2.CV_32F, 1, 1, ksize=5)
    shade = bulge + 0.07 * np.clip(fold / max(float(np.abs(fold).max()), 1e-6) * 3, -1, 1) + 0.05 * crease * np.abs(y)
    crimp = (rows < 0.05 * height) | (rows > 0.95 * height)
    shade = np.where(crimp, 0.86 + 0.12 * ((columns // max(1, width // 60)) % 2), shade)
    teeth = (np.abs((columns / width * 40) % 1 - 0.5) * 0.02 * height).astype(np.float32)
    alpha = ((np.abs(x) < waist) & (rows > teeth) & (rows < height - 1 - teeth)).astype(np.uint8) * 255
    return np.dstack([np.clip(picture * shade[..., None], 0, 255).astype(np.uint8), alpha])


def _tube(artwork: Artwork) -> RGBA:
    """A squeeze tube standing on its cap: flat crimp above, round shoulder below."""
    height, width = artwork.front.shape[:2]
    cap = round(height * 0.13)
    picture = np.empty((height + cap, width, 3), np.uint8)
    picture[:height] = artwork.front
    picture[height:] = artwork.cap
    total = height + cap
    rows, columns = np.mgrid[0:total, 0:width].astype(np.float32)
    x, y = columns / width * 2 - 1, rows / height
    half = np.where(y < 0.92, 1.0 - 0.1 * y, 0.9 - 2.0 * (y - 0.92))
    half = np.where(rows >= height, 0.62, np.maximum(half, 0.5))
    position = x / half
    flatness = np.clip(y, 0, 1)
    shade = 1.04 - 0.45 * flatness * np.abs(position) ** 2.5 + 0.16 * np.exp(-(((position + 0.45) / 0.1) ** 2)) * flatness
    shade = np.where(y < 0.045, 0.9 + 0.08 * ((columns // max(1, width // 40)) % 2), shade)
    ribs = (rows >= height) & ((columns // max(1, width // 30)) % 2 == 0)
    shade = np.where(ribs, shade * 0.88, shade)
    alpha = (np.abs(position) <= 1).astype(np.uint8) * 255
    warped = cv2.remap(
        picture, ((x / np.maximum(half, 0.8)) + 1) / 2 * width, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.dstack([np.clip(warped * shade[..., None], 0, 255).astype(np.uint8), alpha])



