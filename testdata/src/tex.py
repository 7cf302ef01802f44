#!/usr/bin/env python3
"""Makes a UTF-8 file fit for plain pdfTeX, which knows fonts of 256 glyphs only.

    tex.py IN.tex DIR

Every letter beyond ASCII gets a byte of its own; DIR receives the file with those bytes, the encoding vector
(vn.enc), and the metrics of the fonts in DIR/fonts (by ttf2tfm). pdfTeX is then run in DIR.
"""
import os
import subprocess
import sys


def write_vector(folder, file, names):
    with open(os.path.join(folder, file), "w") as f:
        f.write("/VN [\n" + "\n".join("/" + n for n in names) + "\n] def\n")


def main(source, folder):
    with open(source, encoding="utf-8") as f:
        text = f.read()
    letters = sorted({c for c in text if ord(c) > 126})
    if len(letters) > 127:
        raise SystemExit("too many letters for one encoding: %d" % len(letters))
    byte = {c: 128 + i for i, c in enumerate(letters)}
    ascii_names = dict(zip(map(ord, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), (
        "space exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft parenright asterisk plus comma "
        "hyphen period slash colon semicolon less equal greater question at bracketleft backslash bracketright "
        "asciicircum underscore grave braceleft bar braceright asciitilde").split()))
    ascii_names.update({48 + i: n for i, n in enumerate("zero one two three four five six seven eight nine".split())})
    ascii_names.update({c: chr(c) for c in [*range(65, 91), *range(97, 123)]})
    from fontTools.ttLib import TTFont
    cmap = TTFont(os.path.join(folder, "fonts", "LiberationSerif-Regular.ttf")).getBestCmap()
    names = [ascii_names.get(i, ".notdef") for i in range(256)]
    for c, i in byte.items():
        names[i] = cmap[ord(c)]
    write_vector(folder, "metrics.enc", names)
    for c, i in byte.items():
        names[i] = "uni%04X" % ord(c)  # pdfTeX has names of its own for some glyphs (dcroat)
    write_vector(folder, "vn.enc", names)
    for weight in ("Regular", "Bold", "Italic"):
        name = "LiberationSerif-%s" % weight
        subprocess.run(["ttf2tfm", "fonts/%s.ttf" % name, "-q", "-N", "-T", "metrics.enc", name + ".tfm"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, os.path.basename(source)), "wb") as f:
        f.write(bytes(byte.get(c, ord(c)) for c in text))


if __name__ == "__main__":
    main(*sys.argv[1:])
