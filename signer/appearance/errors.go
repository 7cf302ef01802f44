package appearance

import (
	"errors"
	"fmt"
)

// Errors of this package that carry no further detail.
var (
	// ErrImageFormat is a picture that is no PNG, or a broken one.
	ErrImageFormat = errors.New("picture is not a readable PNG")
	// ErrImageTooLarge is a picture beyond MaxImageBytes or MaxImagePixels.
	ErrImageTooLarge = errors.New("picture is too large")
	// ErrSealNotRound is a seal whose picture is not as wide as it is high.
	ErrSealNotRound = errors.New("picture of the seal is not square")
	// ErrRect is a rectangle without area, or with numbers that are not finite.
	ErrRect = errors.New("rectangle has no area")
	// ErrOutsidePage is a stamp that can't be moved onto the page whole.
	ErrOutsidePage = errors.New("stamp does not fit on the page")
	// ErrPage is a page without a visible area or with a /Rotate that is no
	// multiple of 90.
	ErrPage = errors.New("page has no usable box or rotation")
	// ErrNoText is a text stamp without any text.
	ErrNoText = errors.New("stamp has no text")
)

// A TextError says which character of a text can't be drawn, and why.
type TextError struct {
	Rune   rune
	Reason TextReason
}

// A TextReason is why a text was refused.
type TextReason string

const (
	// TextControl is a control or format character, or no valid UTF-8.
	TextControl TextReason = "control_character"
	// TextNoGlyph is a character the embedded font has no glyph for.
	TextNoGlyph TextReason = "missing_glyph"
	// TextTooLong is a text of more than MaxTextRunes characters.
	TextTooLong TextReason = "too_long"
)

func (e *TextError) Error() string {
	if e.Reason == TextTooLong {
		return fmt.Sprintf("text has more than %d characters", MaxTextRunes)
	}
	return fmt.Sprintf("text can't be drawn: %s %U", e.Reason, e.Rune)
}

// An OverflowError is text that needs more room, in points, than its
// rectangle has; a stamp's text is never scaled to fit.
type OverflowError struct {
	NeedWidth, NeedHeight float64
	Width, Height         float64
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("text needs %.1f x %.1f pt, its rectangle has %.1f x %.1f pt",
		e.NeedWidth, e.NeedHeight, e.Width, e.Height)
}

// An OverlapError is a seal that covers too much or too little of the
// signature's picture.
type OverlapError struct {
	Ratio float64 // covered part of the picture's width, 0 to 1
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("seal covers %.3f of the signature's width, not %.2f to %.2f",
		e.Ratio, MinOverlap, MaxOverlap)
}

// A SizeError is a rectangle that would scale a stamp of real size.
type SizeError struct {
	WantWidth, WantHeight float64 // points
	Width, Height         float64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("rectangle of %.2f x %.2f pt would scale a stamp of %.2f x %.2f pt",
		e.Width, e.Height, e.WantWidth, e.WantHeight)
}
