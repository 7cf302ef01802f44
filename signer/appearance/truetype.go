package appearance

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// A ttf is a TrueType font taken apart into tables (OpenType 1.9, "Font
// File"). It reads only the faces embedded in this program, so a broken one
// is a mistake of the build and not of a user.
type ttf struct {
	tables     map[string][]byte
	unitsPerEm int
	glyphs     int
	hMetrics   int    // entries with their own advance in hmtx
	longLoca   bool   // offsets of 4 bytes
	cmap4      []byte // the (3,1) subtable, format 4
}

// parseTTF finds the tables and the numbers needed to look glyphs up.
func parseTTF(data []byte) (*ttf, error) {
	f := &ttf{tables: map[string][]byte{}}
	if len(data) < 12 {
		return nil, fmt.Errorf("font of %d bytes", len(data))
	}
	for i := range int(be16(data, 4)) {
		rec := 12 + 16*i
		if rec+16 > len(data) {
			return nil, fmt.Errorf("font directory is cut off")
		}
		off, n := uint64(be32(data, rec+8)), uint64(be32(data, rec+12))
		if off+n > uint64(len(data)) {
			return nil, fmt.Errorf("font table %q lies outside the file", data[rec:rec+4])
		}
		f.tables[string(data[rec:rec+4])] = data[off : off+n]
	}
	for tag, least := range map[string]int{"head": 54, "hhea": 36, "maxp": 32, "hmtx": 4, "loca": 4, "glyf": 1, "cmap": 4, "OS/2": 90} {
		if len(f.tables[tag]) < least {
			return nil, fmt.Errorf("font has no usable table %q", tag)
		}
	}
	f.unitsPerEm = int(be16(f.tables["head"], 18))
	f.longLoca = be16(f.tables["head"], 50) == 1
	f.glyphs = int(be16(f.tables["maxp"], 4))
	f.hMetrics = int(be16(f.tables["hhea"], 34))
	cmap := f.tables["cmap"]
	for i := range int(be16(cmap, 2)) {
		rec := 4 + 8*i
		off := int(be32(cmap, rec+4))
		if be16(cmap, rec) == 3 && be16(cmap, rec+2) == 1 && be16(cmap, off) == 4 {
			f.cmap4 = cmap[off:]
		}
	}
	if f.cmap4 == nil || f.unitsPerEm == 0 {
		return nil, fmt.Errorf("font has no Unicode character map of format 4")
	}
	return f, nil
}

// glyph returns the glyph index of a character of the Basic Multilingual
// Plane, 0 when the face has none (OpenType, cmap format 4).
func (f *ttf) glyph(r rune) int {
	if r < 0 || r > 0xFFFF {
		return 0
	}
	c := f.cmap4
	segX2 := int(be16(c, 6))
	for i := 0; i < segX2; i += 2 {
		if end := rune(be16(c, 14+i)); r > end {
			continue
		}
		start := rune(be16(c, 16+segX2+i))
		if r < start {
			return 0
		}
		delta := be16(c, 16+2*segX2+i)
		at := 16 + 3*segX2 + i
		rangeOffset := int(be16(c, at))
		if rangeOffset == 0 {
			return int(uint16(r) + delta)
		}
		g := be16(c, at+rangeOffset+2*int(r-start))
		if g == 0 {
			return 0
		}
		return int(g + delta)
	}
	return 0
}

// advance returns a glyph's width in font units.
func (f *ttf) advance(g int) int {
	return int(be16(f.tables["hmtx"], 4*min(g, f.hMetrics-1)))
}

// bearing returns a glyph's left side bearing in font units.
func (f *ttf) bearing(g int) uint16 {
	if g < f.hMetrics {
		return be16(f.tables["hmtx"], 4*g+2)
	}
	return be16(f.tables["hmtx"], 4*f.hMetrics+2*(g-f.hMetrics))
}

// outline returns a glyph's entry in glyf; it is empty for a space.
func (f *ttf) outline(g int) []byte {
	loca, glyf := f.tables["loca"], f.tables["glyf"]
	if f.longLoca {
		return glyf[be32(loca, 4*g):be32(loca, 4*g+4)]
	}
	return glyf[2*int(be16(loca, 2*g)) : 2*int(be16(loca, 2*g+2))]
}

// milli scales font units to the 1/1000 em of PDF.
func (f *ttf) milli(units int) int {
	n := units * 1000
	if n < 0 {
		return -((-n + f.unitsPerEm/2) / f.unitsPerEm)
	}
	return (n + f.unitsPerEm/2) / f.unitsPerEm
}

// Flags of a composite glyph's component (OpenType, glyf).
const (
	argsAreWords     = 0x0001
	haveScale        = 0x0008
	moreComponents   = 0x0020
	haveXYScale      = 0x0040
	haveTwoByTwo     = 0x0080
	haveInstructions = 0x0100
)

// components calls fn with the offset of each component of a composite
// glyph, and returns the length of the glyph without its instructions.
func components(outline []byte, fn func(at int)) int {
	at := 10
	for {
		flags := be16(outline, at)
		fn(at)
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&haveScale != 0:
			at += 2
		case flags&haveXYScale != 0:
			at += 4
		case flags&haveTwoByTwo != 0:
			at += 8
		}
		if flags&moreComponents == 0 {
			return at
		}
	}
}

func isComposite(outline []byte) bool {
	return len(outline) >= 10 && int16(be16(outline, 0)) < 0
}

// subset builds a font of .notdef and one glyph for each rune in order, so
// that rune i gets glyph index i+1; the parts of composite glyphs follow. Two
// runes that share an outline get two glyphs: each must map back to its own
// text. It returns the file and the old index of each new glyph.
//
// Instructions are left out: they are most of the size, and PDF viewers draw
// glyphs unhinted.
func (f *ttf) subset(runes []rune) (file []byte, old []int) {
	// 1. Old index of every new glyph; composites pull their parts in.
	old = []int{0}
	for _, r := range runes {
		old = append(old, f.glyph(r))
	}
	place := map[int]int{} // old index -> new index, for components
	for i := 0; i < len(old); i++ {
		if _, ok := place[old[i]]; !ok {
			place[old[i]] = i
		}
		if o := f.outline(old[i]); isComposite(o) {
			components(o, func(at int) {
				part := int(be16(o, at+2))
				if _, ok := place[part]; !ok && !slices.Contains(old, part) {
					old = append(old, part)
				}
			})
		}
	}

	// 2. Outlines, their offsets, and metrics.
	var glyf, loca, hmtx []byte
	for _, g := range old {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, f.stripped(g, place)...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		hmtx = binary.BigEndian.AppendUint16(hmtx, uint16(f.advance(g)))
		hmtx = binary.BigEndian.AppendUint16(hmtx, f.bearing(g))
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))

	// 3. The tables that count glyphs or describe the others.
	head := slices.Clone(f.tables["head"])
	binary.BigEndian.PutUint32(head[8:], 0)  // checkSumAdjustment, set by assemble
	binary.BigEndian.PutUint16(head[50:], 1) // indexToLocFormat: 4 bytes
	hhea := slices.Clone(f.tables["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(old)))
	maxp := slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(old)))
	binary.BigEndian.PutUint16(maxp[14:], 1) // maxZones: no twilight zone
	clear(maxp[16:28])                       // everything about instructions

	post := make([]byte, 32)
	copy(post, f.tables["post"])
	binary.BigEndian.PutUint32(post, 0x00030000) // no glyph names
	return assemble(map[string][]byte{
		"cmap": cmapTable(runes), "glyf": glyf, "head": head, "hhea": hhea,
		"hmtx": hmtx, "loca": loca, "maxp": maxp, "post": post, "OS/2": f.tables["OS/2"],
	}), old
}

// stripped returns an outline without instructions, its components renumbered.
func (f *ttf) stripped(g int, place map[int]int) []byte {
	o := f.outline(g)
	if len(o) < 10 {
		return nil
	}
	if isComposite(o) {
		out := slices.Clone(o)
		n := components(out, func(at int) {
			binary.BigEndian.PutUint16(out[at:], be16(out, at)&^haveInstructions)
			binary.BigEndian.PutUint16(out[at+2:], uint16(place[int(be16(o, at+2))]))
		})
		return out[:n]
	}
	// numberOfContours, box, endPtsOfContours, instructionLength, instructions
	at := 10 + 2*int(be16(o, 0))
	skip := int(be16(o, at))
	out := append(slices.Clone(o[:at]), 0, 0)
	return append(out, o[at+2+skip:]...)
}

// cmapTable maps rune i to glyph i+1, one segment a rune (format 4).
func cmapTable(runes []rune) []byte {
	n := len(runes) + 1 // and the closing segment
	be := binary.BigEndian
	t := []byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12}
	t = be.AppendUint16(t, 4)
	t = be.AppendUint16(t, uint16(16+8*n))
	t = be.AppendUint16(t, 0)
	log := bits.Len(uint(n)) - 1
	t = be.AppendUint16(t, uint16(2*n))
	t = be.AppendUint16(t, uint16(2<<log))
	t = be.AppendUint16(t, uint16(log))
	t = be.AppendUint16(t, uint16(2*n-2<<log))
	ends := append(slices.Clone(runes), 0xFFFF)
	for _, r := range ends {
		t = be.AppendUint16(t, uint16(r))
	}
	t = be.AppendUint16(t, 0)
	for _, r := range ends {
		t = be.AppendUint16(t, uint16(r))
	}
	for i, r := range runes {
		t = be.AppendUint16(t, uint16(i+1-int(r)))
	}
	t = be.AppendUint16(t, 1) // 0xFFFF + 1 = .notdef
	return append(t, make([]byte, 2*n)...)
}

// assemble writes tables in order of their tags, with directory and checksums.
func assemble(tables map[string][]byte) []byte {
	be := binary.BigEndian
	tags := make([]string, 0, len(tables))
	for tag := range tables {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	n := len(tags)
	log := bits.Len(uint(n)) - 1
	dir := be.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 << log, log, 16*n - 16<<log} {
		dir = be.AppendUint16(dir, uint16(v))
	}
	var body []byte
	headAt := 0
	for _, tag := range tags {
		at := 12 + 16*n + len(body)
		if tag == "head" {
			headAt = at
		}
		dir = append(dir, tag...)
		dir = be.AppendUint32(dir, checksum(tables[tag]))
		dir = be.AppendUint32(dir, uint32(at))
		dir = be.AppendUint32(dir, uint32(len(tables[tag])))
		body = append(body, tables[tag]...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	file := append(dir, body...)
	be.PutUint32(file[headAt+8:], 0xB1B0AFBA-checksum(file))
	return file
}

// checksum adds big-endian words, the last one padded with zeros.
func checksum(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	return sum + binary.BigEndian.Uint32(last[:])
}

func be16(b []byte, at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func be32(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
