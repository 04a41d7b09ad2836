"""Contact sheets and strips: each picture at its place, and small files."""

import cv2
import numpy as np

from vjnode.faces.finding.contact_sheet import (
    AMOUNTS,
    STRIP_AMOUNTS,
    STRIP_BYTES,
    STRIP_PX,
    TILE_PX,
    contact_sheet,
    strip,
)


def grey(face, amount):
    return np.full((256, 256, 3), 100 + 40 * face + 20 * amount, np.uint8)


def test_a_sheet_has_a_row_for_each_face_and_a_column_for_each_amount():
    sheet = cv2.imdecode(np.frombuffer(contact_sheet(grey, 3), np.uint8), cv2.IMREAD_COLOR)
    head = sheet.shape[0] - 3 * TILE_PX
    assert sheet.shape[1] == len(AMOUNTS) * TILE_PX
    middles = sheet[head + TILE_PX // 2 :: TILE_PX, TILE_PX // 2 :: TILE_PX, 0]
    assert middles.tolist() == [
        [int(100 + 40 * face + 20 * amount) for amount in AMOUNTS] for face in range(3)
    ]


def test_a_strip_is_small_however_busy_its_pictures_are():
    rng = np.random.default_rng(1)
    noise = cv2.GaussianBlur(rng.uniform(0, 255, (256, 256, 3)), (0, 0), 2)
    busy = np.clip(128 + 4 * (noise - 128), 0, 255).astype(np.uint8)
    data = strip(lambda face, amount: busy)
    assert len(data) <= STRIP_BYTES
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (STRIP_PX, len(STRIP_AMOUNTS) * STRIP_PX, 3)
