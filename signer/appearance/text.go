package appearance

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxTextRunes bounds the characters of one stamp.
const MaxTextRunes = 1000

// An Align is the quadding of a text, with the numbers of /Q (ISO 32000-1,
// Table 222).
type Align int

// Where lines of text are flush.
const (
	Left   Align = 0
	Center Align = 1
	Right  Align = 2
)

// Normalize returns text in NFC, the form in which it is drawn and found
// again. Control and format characters, which could make the page read
// otherwise than it looks, and broken UTF-8 are a *TextError.
func Normalize(s string) (string, error) {
	s = norm.NFC.String(s)
	n := 0
	for _, r := range s {
		if n++; n > MaxTextRunes {
			return "", &TextError{Reason: TextTooLong}
		}
		if r == unicode.ReplacementChar || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return "", &TextError{Rune: r, Reason: TextControl}
		}
	}
	return s, nil
}

// TextWidth returns the advance of a normalised text in points.
func TextWidth(face Face, size float64, s string) (float64, error) {
	t, err := face.load()
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, r := range s {
		g := t.glyph(r)
		if g == 0 {
			return 0, &TextError{Rune: r, Reason: TextNoGlyph}
		}
		sum += t.milli(t.advance(g))
	}
	return float64(sum) * size / 1000, nil
}

// wrap breaks a line at spaces so that no part is wider than width. A single
// word that is wider is an *OverflowError.
func wrap(face Face, size, width float64, line string) ([]string, error) {
	var out []string
	for _, word := range strings.Split(line, " ") {
		w, err := TextWidth(face, size, word)
		if err != nil {
			return nil, err
		}
		if w > width+tolerance {
			return nil, &OverflowError{NeedWidth: w, NeedHeight: size * lineHeight, Width: width}
		}
		if len(out) > 0 {
			longer := out[len(out)-1] + " " + word
			if w, err = TextWidth(face, size, longer); err != nil {
				return nil, err
			}
			if w <= width+tolerance {
				out[len(out)-1] = longer
				continue
			}
		}
		out = append(out, word)
	}
	return out, nil
}

// tolerance is how far, in points, rounding may exceed a box.
const tolerance = 0.01

// A block is lines of one face and size, ready to be set.
type block struct {
	face  Face
	size  float64
	align Align
	pad   float64 // kept free on the left and right
	lines []string
}

// height is what the lines need, in points.
func (b block) height() float64 { return float64(len(b.lines)) * b.size * lineHeight }

// draw appends the text object; top is the upper edge of the first line.
func (b block) draw(content *bytes.Buffer, font Font, width, top float64, target Target) error {
	content.WriteString("BT\n" + target.black() + "\n")
	fmt.Fprintf(content, "/%s %s Tf\n", font.Resource, num(b.size))
	leading := b.size * lineHeight
	// The face's own ascent and descent, centred in the leading.
	base := top - (leading-(ascender+descender)*b.size)/2 - ascender*b.size
	for _, line := range b.lines {
		w, err := TextWidth(b.face, b.size, line)
		if err != nil {
			return err
		}
		x := b.pad
		switch b.align {
		case Center:
			x = (width - w) / 2
		case Right:
			x = width - b.pad - w
		}
		fmt.Fprintf(content, "1 0 0 1 %s %s Tm\n%s Tj\n", num(x), num(base), font.encode(line))
		base -= leading
	}
	content.WriteString("ET\n")
	return nil
}

// black selects black as the target permits it.
func (t Target) black() string {
	if t == Plain {
		return "0 g"
	}
	return "/" + grayName + " cs 0 sc"
}

// num writes a number as PDF wants it: no exponent, four decimals at most.
func num(v float64) string {
	v = math.Round(v*1e4) / 1e4
	if v == 0 {
		v = 0 // no -0
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
