package appearance

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
)

// MaxAutoSize is the largest size, in points, that an automatic size chooses:
// Decree 30 sets number and date in 13 to 14 pt.
const MaxAutoSize = 13.0

// minAutoSize is the smallest readable size before text is refused.
const minAutoSize = 4.0

// fieldPad is what viewers keep free beside a field's text, in points.
const fieldPad = 2.0

// A FieldStyle is how the text of a form field is set. The zero value is one
// upright line, flush left, as large as it fits.
type FieldStyle struct {
	Face  Face
	Align Align // the field's /Q
	// Size is the font size in points; 0 chooses the largest that fits, at
	// most MaxAutoSize.
	Size float64
	// Multiline wraps the text at spaces and keeps its line breaks.
	Multiline bool
}

// NewFieldForm draws the value of a text field (/FT /Tx) into a place, with a
// font of its own: the field's DA and the form's DR are left alone (ISO
// 32000-1, Section 12.7.3.3). Value is the text that goes into /V. Text that
// doesn't fit is an *OverflowError: a number that is cut off reads as another.
func NewFieldForm(at Place, value string, style FieldStyle, target Target) (*Form, error) {
	w, h := at.BBox.Width(), at.BBox.Height()
	if at.BBox.Empty() {
		return nil, fmt.Errorf("text field: %w", ErrRect)
	}
	b := block{face: style.Face, align: style.Align, pad: fieldPad}
	for line := range strings.SplitSeq(strings.ReplaceAll(value, "\r\n", "\n"), "\n") {
		line, err := Normalize(line)
		if err != nil {
			return nil, err
		}
		b.lines = append(b.lines, line)
	}
	if len(b.lines) > 1 && !style.Multiline {
		return nil, &TextError{Rune: '\n', Reason: TextControl}
	}
	if len(b.lines) > maxLines {
		return nil, &TextError{Reason: TextTooLong}
	}
	b, err := b.fit(style, w, h)
	if err != nil {
		return nil, fmt.Errorf("text field: %w", err)
	}
	form := &Form{BBox: at.BBox, Matrix: at.Matrix, Target: target}
	if value == "" {
		form.Content = []byte("/Tx BMC\nEMC\n")
		return form, nil
	}
	font, err := NewFont("F0", b.face, b.lines...)
	if err != nil {
		return nil, err
	}
	var c bytes.Buffer
	fmt.Fprintf(&c, "/Tx BMC\nq\n0 0 %s %s re W n\n", num(w), num(h))
	top := h
	if !style.Multiline {
		top = (h + b.height()) / 2
	}
	if err := b.draw(&c, font, w, top, target); err != nil {
		return nil, err
	}
	c.WriteString("Q\nEMC\n")
	form.Content, form.Fonts = c.Bytes(), []Font{font}
	return form, nil
}

// fit chooses the size and wraps. The height that counts is that of the
// letters: leading above the first and below the last line may be cut.
func (b block) fit(style FieldStyle, width, height float64) (block, error) {
	if style.Size < 0 || math.IsNaN(style.Size) || style.Size > 1000 {
		return b, fmt.Errorf("font size %v: %w", style.Size, ErrRect)
	}
	if style.Size > 0 {
		return b.sized(style.Size, style.Multiline, width, height)
	}
	// Half a point at a time: sizes stay the same for texts of similar length.
	var err error
	for size := MaxAutoSize; size >= minAutoSize; size -= 0.5 {
		var fitted block
		if fitted, err = b.sized(size, style.Multiline, width, height); err == nil {
			return fitted, nil
		}
		if over := (*OverflowError)(nil); !errors.As(err, &over) {
			break
		}
	}
	return b, err
}

// sized is the block at one size, or an *OverflowError.
func (b block) sized(size float64, multiline bool, width, height float64) (block, error) {
	b.size = size
	room := width - 2*b.pad
	var widest float64
	var lines []string
	for _, line := range b.lines {
		parts := []string{line}
		if multiline {
			var err error
			if parts, err = wrap(b.face, size, room, line); err != nil {
				return b, err
			}
		}
		for _, part := range parts {
			w, err := TextWidth(b.face, size, part)
			if err != nil {
				return b, err
			}
			widest = math.Max(widest, w)
		}
		lines = append(lines, parts...)
	}
	b.lines = lines
	need := b.height() - (lineHeight-ascender-descender)*size
	if widest > room+tolerance || need > height+tolerance {
		return b, &OverflowError{NeedWidth: widest + 2*b.pad, NeedHeight: need, Width: width, Height: height}
	}
	return b, nil
}
