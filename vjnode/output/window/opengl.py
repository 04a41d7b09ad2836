"""Drawing of a square picture into a window of any shape, by OpenGL 3.3."""

import ctypes
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import OutputError

_VERTICES = """
#version 330
out vec2 place;
void main() {
    vec2 corner = vec2(gl_VertexID % 2, gl_VertexID / 2);
    place = vec2(corner.x, 1.0 - corner.y);  // the first row of a picture is its top
    gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}
"""

_COLOURS = """
#version 330
uniform sampler2D picture;
in vec2 place;
out vec4 colour;
void main() {
    colour = vec4(texture(picture, place).rgb, 1.0);
}
"""


class _Current:
    """Adapter of GLFW's current OpenGL context, X11's or Wayland's, to moderngl's interface."""

    def __init__(self, glfw: ModuleType) -> None:
        self._glfw = glfw

    def load(self, name: str) -> int:
        return ctypes.cast(self._glfw.get_proc_address(name), ctypes.c_void_p).value or 0

    def release(self) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Canvas:
    """Draws into the window whose context is current in this thread.

    size: of the pictures' sides, px.
    """

    def __init__(self, glfw: ModuleType, size: int) -> None:
        """Create the shader, the texture and the other OpenGL objects.

        Raises:
            OutputError: the driver does not support OpenGL 3.3.
        """
        moderngl: Any = import_module("moderngl")
        try:
            self._context = moderngl.create_context(context=_Current(glfw))
            self._picture = self._context.texture((size, size), 4, alignment=1)
            self._picture.repeat_x = self._picture.repeat_y = False
            program = self._context.program(_VERTICES, _COLOURS)
            self._square = self._context.vertex_array(program, [])
        except (moderngl.Error, ValueError) as error:
            raise OutputError(f"it needs a graphics driver with OpenGL 3.3: {error}") from error
        self._strip = moderngl.TRIANGLE_STRIP

    def draw(self, pixels: NDArray[np.uint8] | None, width: int, height: int) -> None:
        """Draw ``pixels`` in the middle, as large as they fit, and black around them.

        pixels: RGBA, (size, size, 4) uint8; None for black. width, height: of the window, px.
        """
        screen = self._context.screen
        screen.viewport = (0, 0, width, height)
        screen.clear(0.0, 0.0, 0.0, 1.0)
        if pixels is None:
            return
        side = min(width, height)
        screen.viewport = ((width - side) // 2, (height - side) // 2, side, side)
        screen.use()
        self._picture.write(pixels)
        self._picture.use()
        self._square.render(self._strip, vertices=4)
