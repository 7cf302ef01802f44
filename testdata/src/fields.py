#!/usr/bin/env python3
"""Adds the empty signature fields of a template to a PDF that LibreOffice made.

    fields.py IN.pdf OUT.pdf POST SIGNER

The fields stand between the line POST ("PHÓ CHỦ TỊCH") and the line SIGNER on the last page that has them:
chu_ky_lanh_dao in the middle of that room, con_dau over its left third (Decree 30/2020, annex I). They are added by
an incremental update, as a document system would do it, so LibreOffice's own bytes stay as they were. Only fit for
LibreOffice's regular output: objects not compressed, one xref table, Annots and Fields as direct arrays.
"""
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

MM = 72 / 25.4
SIGNATURE = (48 * MM, 22 * MM)  # width, height
SEAL = 36 * MM  # diameter


def lines(pdf):
    """Yields (page, text, (x0, y0, x1, y1)) in PDF coordinates for each line of text."""
    xml = subprocess.run(["pdftotext", "-bbox-layout", pdf, "-"], check=True, capture_output=True).stdout
    ns = "{http://www.w3.org/1999/xhtml}"
    for number, page in enumerate(ET.fromstring(xml).iter(ns + "page"), 1):
        top = float(page.get("height"))
        for line in page.iter(ns + "line"):
            text = " ".join(word.text for word in line.iter(ns + "word"))
            x0, y0, x1, y1 = (float(line.get(k)) for k in ("xMin", "yMin", "xMax", "yMax"))
            yield number, text, (x0, top - y1, x1, top - y0)


def rectangles(pdf, post, signer):
    found = list(lines(pdf))
    last, above = [(page, box) for page, text, box in found if text == post][-1]
    below = [box for page, text, box in found if page == last and text == signer][-1]
    xc, yc = (above[0] + above[2]) / 2, (above[1] + below[3]) / 2
    w, h = SIGNATURE
    x = xc - w / 2
    sx = x + w / 3 - SEAL
    return last, {
        "chu_ky_lanh_dao": ("Chữ ký của người có thẩm quyền", (x, yc - h / 2, x + w, yc + h / 2)),
        "con_dau": ("Chữ ký số của cơ quan", (sx, yc - SEAL / 2, sx + SEAL, yc + SEAL / 2)),
    }


class Update:
    """One incremental update of a PDF with a classic xref table."""

    def __init__(self, data):
        self.data = data
        self.start = int(re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", data).group(1))
        self.trailer = data[data.rindex(b"trailer"):]
        self.next = int(re.search(rb"/Size (\d+)", self.trailer).group(1))
        self.objects = {}

    def body(self, number):
        if number in self.objects:
            return self.objects[number]
        m = re.search(rb"(?:^|[\r\n])%d 0 obj\s*(.*?)\s*endobj" % number, self.data, re.S)
        return m.group(1)

    def ref(self, number, key):
        return int(re.search(rb"/%s (\d+) 0 R" % key, self.body(number)).group(1))

    def add(self, body):
        self.objects[self.next] = body
        self.next += 1
        return self.next - 1

    def append_to(self, number, key, refs):
        """Lengthens the array at key in object number, or makes it."""
        text = b" ".join(b"%d 0 R" % r for r in refs)
        body, count = re.subn(rb"(/%s\s*\[[^\]]*)\]" % key, lambda m: m.group(1).rstrip() + b" " + text + b" ]", self.body(number), count=1)
        if not count:
            body = re.sub(rb"<<", b"<</%s [ %s ]\n" % (key, text), body, count=1)
        self.objects[number] = body

    def bytes(self):
        out = bytearray(self.data)
        offsets = {}
        for number, body in sorted(self.objects.items()):
            offsets[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n"
        for number, offset in sorted(offsets.items()):
            out += b"%d 1\n%010d 00000 n \n" % (number, offset)
        root = re.search(rb"/Root \d+ 0 R", self.trailer).group(0)
        info = re.search(rb"/Info \d+ 0 R", self.trailer).group(0)
        ids = re.search(rb"/ID \[.*?\]", self.trailer, re.S).group(0)
        out += b"trailer\n<</Size %d/Prev %d %s %s\n%s>>\nstartxref\n%d\n%%%%EOF\n" % (self.next, self.start, root, info, ids, start)
        return bytes(out)


def text_string(s):
    return b"<feff" + s.encode("utf-16-be").hex().encode() + b">"


def main(source, target, post, signer):
    with open(source, "rb") as f:
        update = Update(f.read())
    number, fields = rectangles(source, post, signer)
    catalog = int(re.search(rb"/Root (\d+) 0 R", update.trailer).group(1))
    pages = update.body(update.ref(catalog, b"Pages"))
    page = int(re.findall(rb"(\d+) 0 R", re.search(rb"/Kids\s*\[(.*?)\]", pages, re.S).group(1))[number - 1])
    made = []
    for name, (label, rect) in fields.items():
        made.append(update.add(b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/TU%s/F 4/P %d 0 R/Rect[%s]>>" % (
            name.encode(), text_string(label), page, b" ".join(b"%.2f" % v for v in rect))))
    update.append_to(page, b"Annots", made)
    update.append_to(catalog, b"Fields", made)
    with open(target, "wb") as f:
        f.write(update.bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
