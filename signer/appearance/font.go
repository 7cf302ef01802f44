package appearance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/go-fonts/liberation/liberationserifitalic"
	"github.com/go-fonts/liberation/liberationserifregular"
)

// A Face is one of the embedded faces, Liberation Serif 2.1: it has the
// metrics of Times New Roman, which Decree 30 prescribes and which is not
// free, and every Vietnamese letter.
type Face int

const (
	// Upright is Liberation Serif Regular.
	Upright Face = iota
	// Italic is Liberation Serif Italic, the look of place and date.
	Italic
)

// Line metrics of both faces in ems.
const (
	ascender   = 0.891
	descender  = 0.216
	lineHeight = 1.15
)

var loadUpright = sync.OnceValues(func() (*ttf, error) { return parseTTF(liberationserifregular.TTF) })
var loadItalic = sync.OnceValues(func() (*ttf, error) { return parseTTF(liberationserifitalic.TTF) })

func (f Face) load() (*ttf, error) {
	var (
		t   *ttf
		err error
	)
	switch f {
	case Upright:
		t, err = loadUpright()
	case Italic:
		t, err = loadItalic()
	default:
		return nil, fmt.Errorf("unknown face %d", f)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the embedded font: %w", err)
	}
	return t, nil
}

func (f Face) name() string {
	if f == Italic {
		return "LiberationSerif-Italic"
	}
	return "LiberationSerif"
}

// NewFont embeds the characters of the given texts, which must have passed
// Normalize. The same characters make the same bytes, subset tag included. A
// character without a glyph is a *TextError.
func NewFont(resource string, face Face, texts ...string) (Font, error) {
	t, err := face.load()
	if err != nil {
		return Font{}, err
	}
	var runes []rune
	for _, s := range texts {
		runes = append(runes, []rune(s)...)
	}
	slices.Sort(runes)
	runes = slices.Compact(runes)
	for _, r := range runes {
		if t.glyph(r) == 0 {
			return Font{}, &TextError{Rune: r, Reason: TextNoGlyph}
		}
	}
	file, old := t.subset(runes)
	font := Font{
		Resource: resource,
		BaseFont: subsetTag(file) + "+" + face.name(),
		File:     file,
		CIDSet:   cidSet(len(old)),
		Flags:    1<<1 | 1<<2, // serif, symbolic (ISO 32000-1, Table 123)
		Ascent:   t.milli(int(int16(be16(t.tables["hhea"], 4)))),
		Descent:  t.milli(int(int16(be16(t.tables["hhea"], 6)))),
		// OS/2 sCapHeight, in every table of version 2 or later
		CapHeight: t.milli(int(int16(be16(t.tables["OS/2"], 88)))),
		StemV:     82,
		runes:     runes,
	}
	if face == Italic {
		font.Flags |= 1 << 6
		font.ItalicAngle = float64(int16(be16(t.tables["post"], 4)))
	}
	for i := range font.BBox {
		font.BBox[i] = t.milli(int(int16(be16(t.tables["head"], 36+2*i))))
	}
	for _, g := range old {
		font.Widths = append(font.Widths, t.milli(t.advance(g)))
	}
	font.ToUnicode = toUnicode(runes)
	return font, nil
}

// encode returns the two-byte codes of a text as a hexadecimal PDF string.
func (f Font) encode(s string) []byte {
	out := []byte{'<'}
	for _, r := range s {
		i, ok := slices.BinarySearch(f.runes, r)
		if ok {
			i++ // else .notdef, which NewFont has made impossible
		}
		out = fmt.Appendf(out, "%04X", i)
	}
	return append(out, '>')
}

// subsetTag returns six capital letters made from the subset itself (ISO
// 32000-1, Section 9.6.4): different subsets of a file must not share a tag.
func subsetTag(file []byte) string {
	sum := sha256.Sum256(file)
	var tag [6]byte
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag[:])
}

// cidSet marks CIDs 0 to n-1, the high bit of the first byte being CID 0
// (ISO 32000-1, Table 124).
func cidSet(n int) []byte {
	set := make([]byte, (n+7)/8)
	for i := range n {
		set[i/8] |= 0x80 >> (i % 8)
	}
	return set
}

// toUnicode maps CID i+1 to rune i (ISO 32000-1, Section 9.10.3).
func toUnicode(runes []rune) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const most = 100 // entries a block may have
	for at := 0; at < len(runes); at += most {
		block := runes[at:min(at+most, len(runes))]
		fmt.Fprintf(&b, "%d beginbfchar\n", len(block))
		for i, r := range block {
			fmt.Fprintf(&b, "<%04X> <%04X>\n", at+i+1, r)
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}
