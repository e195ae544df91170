"""A command on a terminal of its own, what stands on its screen in the end, and that as an SVG picture.

Standard library alone, and as much of a terminal as the commands of secretfs use."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from html import escape

# How long a command may take.
PATIENCE = 60

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b[=>78]")


def run(command, columns, rows, environment, folder, answers=(), until=None):
    """Runs a shell line and gives all that it wrote, and its status. `answers`: (prompt, what is typed
    then). `until`: a text at which, once it is shown, the terminal is looked at as it is, and `q` pressed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "--norc", "-c", command], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    wrote, seen, answers = b"", None, list(answers)
    deadline = time.monotonic() + PATIENCE
    looked = 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            raise SystemExit(f"{command}: still not after {PATIENCE} s:\n{wrote.decode(errors='replace')}")
        if ready:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break
            if not chunk:
                break
            wrote += chunk
        # The question is shown first, and then what is typed is not.
        if answers and answers[0][0].encode() in wrote[looked:] and not echoes(terminal):
            looked = len(wrote)
            os.write(terminal, answers.pop(0)[1].encode())
        if until and seen is None and until.encode() in wrote:
            seen = wrote
            os.write(terminal, b"q")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return (seen or wrote).decode(errors="replace"), os.waitstatus_to_exitcode(status)


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


class Screen:
    """What a terminal shows: rows of (character, style)."""

    def __init__(self, columns):
        self.columns = columns
        self.lines, self.row, self.column = [[]], 0, 0
        self.style = ()

    def feed(self, text):
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                self.sequence(found.group(1) or "", found.group(2))
                at = found.end()
                continue
            self.character(text[at])
            at += 1

    def character(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.row += 1
        elif c == "\b":
            self.column = max(0, self.column - 1)
        elif c >= " ":
            if self.column == self.columns:
                self.row, self.column = self.row + 1, 0
            line = self.line()
            line.extend([(" ", ())] * (self.column + 1 - len(line)))
            line[self.column] = (c, self.style)
            self.column += 1

    def line(self):
        while len(self.lines) <= self.row:
            self.lines.append([])
        return self.lines[self.row]

    def sequence(self, numbers, letter):
        if letter == "m":
            for number in (int(n or 0) for n in numbers.split(";")):
                self.style = () if number == 0 else self.style + (number,)
        elif letter == "H":
            row, _, column = numbers.partition(";")
            self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
        elif letter == "K":
            if numbers == "2":
                self.line().clear()
            del self.line()[self.column:]
        elif letter == "J":
            if numbers == "2":
                self.lines = [[]]
            else:
                del self.line()[self.column:]
                del self.lines[self.row + 1:]
        elif letter == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif numbers == "?1049" and letter == "h":
            self.lines, self.row, self.column = [[]], 0, 0

    def text(self):
        lines = ["".join(c for c, _ in line).rstrip() for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines


# Contrast with the background is 4.5 or more for each, and none says anything that its word does not.
BACKGROUND, FRAME, PLAIN, DIM = "#171b22", "#3a4250", "#dde3ec", "#98a2b3"
COLOURS = {31: "#ff8f87", 32: "#7ddb8c", 33: "#ecc66a", 34: "#8fb8ff", 35: "#d7a8ff", 36: "#74d0ee", 90: DIM}
SIZE, WIDTH, HEIGHT, MARGIN = 14, 8.43, 19, 18


def svg(lines, columns, title, rows=0):
    """The picture. Only text and shapes: it is shown where scripts, fonts and foreign elements are not."""
    rows = max(rows, len(lines))
    width = round(columns * WIDTH + 2 * MARGIN)
    height = rows * HEIGHT + 2 * MARGIN + 22
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9" '
        f'fill="{BACKGROUND}" stroke="{FRAME}"/>',
    ]
    for i, colour in enumerate(("#ff8f87", "#ecc66a", "#7ddb8c")):
        out.append(f'<circle cx="{MARGIN + 4 + 19 * i}" cy="20" r="5.5" fill="{colour}"/>')
    out.append(
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',\'Liberation Mono\',monospace" '
        f'font-size="{SIZE}" fill="{PLAIN}" xml:space="preserve">'
    )
    for row, line in enumerate(lines):
        y = MARGIN + 22 + row * HEIGHT + SIZE
        parts = []
        for start, text, style in runs(line):
            x = MARGIN + start * WIDTH
            fills = [DIM if n == 2 else COLOURS[n] for n in style if n == 2 or n in COLOURS]
            look = ' font-weight="bold"' if 1 in style else ""
            look += f' fill="{fills[-1]}"' if fills else ""
            length = f' textLength="{len(text) * WIDTH:.2f}" lengthAdjust="spacingAndGlyphs"'
            parts.append(f'<tspan x="{x:.2f}"{length}{look}>{escape(text, quote=False)}</tspan>')
        out.append(f'<text y="{y}">{"".join(parts)}</text>')
    out += ["</g>", "</svg>", ""]
    return "\n".join(out)


def runs(line):
    """The pieces of a line in one style, where blanks alone are left out."""
    pieces = []
    for at, (c, style) in enumerate(line):
        if pieces and pieces[-1][2] == style and at == pieces[-1][0] + len(pieces[-1][1]):
            pieces[-1][1] += c
        else:
            pieces.append([at, c, style])
    for start, text, style in pieces:
        kept = text.lstrip(" ")
        start += len(text) - len(kept)
        # Two blanks are a column's end: what follows has a place of its own.
        for part in re.finditer(r"\S+(?: \S+)*", kept):
            yield start + part.start(), part.group(), style


def text_of(picture):
    """The lines of text in such a picture."""
    lines = []
    for text in re.findall(r"<text y=[^>]*>(.*?)</text>", picture):
        line = ""
        for x, piece in re.findall(r'<tspan x="([0-9.]+)"[^>]*>(.*?)</tspan>', text):
            column = round((float(x) - MARGIN) / WIDTH)
            line = line.ljust(column) + piece
        lines.append(line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return lines
