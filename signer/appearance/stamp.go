package appearance

import (
	"bytes"
	"fmt"
	"math"
)

// StampFontSize is the size of text stamps that Decree 30 prescribes, points.
const StampFontSize = 10.0

// maxLines bounds the lines of a text stamp, wrapped ones included.
const maxLines = 40

// NewLeaderForm draws a handwritten signature into a place: as large as it
// fits with its own proportions, centred. It serves initials too. Nothing but
// the picture is drawn (Decree 30, Annex I).
func NewLeaderForm(at Place, picture Image) (*Form, error) {
	if at.BBox.Empty() {
		return nil, fmt.Errorf("signature picture: %w", ErrRect)
	}
	return pictureForm(at, picture, PictureRect(at.BBox, picture.Width, picture.Height)), nil
}

// NewSealForm draws a seal in real size. The place must be a square of the
// diameter, as SealPlace makes it: any other is a *SizeError, since a viewer
// would scale it. A picture that isn't square is ErrSealNotRound.
func NewSealForm(at Place, picture Image, diameterMM float64) (*Form, error) {
	d := MM(diameterMM)
	w, h := at.BBox.Width(), at.BBox.Height()
	const off = 0.05 // points: less than a pixel at 1200 dpi
	if !(d > 0) || math.Abs(w-d) > off || math.Abs(h-d) > off {
		return nil, fmt.Errorf("seal: %w", &SizeError{WantWidth: d, WantHeight: d, Width: w, Height: h})
	}
	if long, diff := max(picture.Width, picture.Height), picture.Width-picture.Height; diff*50 > long || -diff*50 > long {
		return nil, fmt.Errorf("seal of %d x %d pixels: %w", picture.Width, picture.Height, ErrSealNotRound)
	}
	return pictureForm(at, picture, at.BBox), nil
}

func pictureForm(at Place, picture Image, r Rect) *Form {
	var c bytes.Buffer
	fmt.Fprintf(&c, "q\n%s 0 0 %s %s %s cm\n/%s Do\nQ\n",
		num(r.Width()), num(r.Height()), num(r[0]), num(r[1]), picture.Resource)
	return &Form{BBox: at.BBox, Matrix: at.Matrix, Content: c.Bytes(), Images: []Image{picture}, Target: picture.Target}
}

// NewTextForm sets the lines of a text stamp, 10 pt black upright, flush
// right, wrapped at the width of the place. Text that needs more height is an
// *OverflowError; see TextStampPlace for a place that is high enough.
func NewTextForm(at Place, lines []string, target Target) (*Form, error) {
	b, err := stampBlock(at.BBox.Width(), lines)
	if err != nil {
		return nil, err
	}
	h := at.BBox.Height()
	if b.height() > h+tolerance {
		return nil, fmt.Errorf("text stamp: %w", &OverflowError{
			NeedWidth: at.BBox.Width(), NeedHeight: b.height(), Width: at.BBox.Width(), Height: h})
	}
	font, err := NewFont("F0", b.face, b.lines...)
	if err != nil {
		return nil, err
	}
	var c bytes.Buffer
	c.WriteString("q\n")
	if err := b.draw(&c, font, at.BBox.Width(), h, target); err != nil {
		return nil, err
	}
	c.WriteString("Q\n")
	return &Form{BBox: at.BBox, Matrix: at.Matrix, Content: c.Bytes(), Fonts: []Font{font}, Target: target}, nil
}

// TextStampPlace returns the place of a text stamp at the top right of a
// page: TextStampRect, made longer downwards when the lines need it.
func TextStampPlace(p Page, lines []string) (Place, error) {
	if err := p.Check(); err != nil {
		return Place{}, err
	}
	b, err := stampBlock(TextStampWidth, lines)
	if err != nil {
		return Place{}, err
	}
	return p.Place(textStampRect(p, TextStampWidth, math.Max(TextStampHeight, b.height())))
}

// stampBlock normalises and wraps the lines of a text stamp.
func stampBlock(width float64, lines []string) (block, error) {
	b := block{face: Upright, size: StampFontSize, align: Right}
	runes := 0
	for _, line := range lines {
		line, err := Normalize(line)
		if err != nil {
			return block{}, err
		}
		if runes += len([]rune(line)); runes > MaxTextRunes {
			return block{}, &TextError{Reason: TextTooLong}
		}
		parts, err := wrap(b.face, b.size, width, line)
		if err != nil {
			return block{}, err
		}
		b.lines = append(b.lines, parts...)
	}
	if runes == 0 {
		return block{}, ErrNoText
	}
	if len(b.lines) > maxLines {
		return block{}, &TextError{Reason: TextTooLong}
	}
	return b, nil
}
