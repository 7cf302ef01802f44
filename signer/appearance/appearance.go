// Package appearance makes the visible stamp of a signature: text, picture,
// embedded font and the exact geometry that Decree 30/2020/NĐ-CP, Annex I,
// gives every role.
//
// It knows no PDF reader. A Form is a self-contained form XObject (ISO
// 32000-1, Section 8.10) with the fonts and pictures it uses; Form.Objects
// turns it into PDF objects that any incremental writer can append. Rectangles
// for stamps are computed in the reader's upright view of the page (Page) and
// carried to user space, so that /Rotate and CropBox never turn or scale a
// stamp.
package appearance

// A Rect is a rectangle {llx, lly, urx, ury} in points of 1/72 inch.
type Rect [4]float64

// Width is the horizontal extent of the rectangle in points.
func (r Rect) Width() float64 { return r[2] - r[0] }

// Height is the vertical extent of the rectangle in points.
func (r Rect) Height() float64 { return r[3] - r[1] }

// Empty reports whether the rectangle has no area.
func (r Rect) Empty() bool { return !(r[2] > r[0] && r[3] > r[1]) }

// A Matrix is the transformation {a, b, c, d, e, f} of ISO 32000-1, Section
// 8.3.3: x' = a·x + c·y + e and y' = b·x + d·y + f.
type Matrix [6]float64

// A Form is one appearance stream with everything it refers to. The zero
// value is an empty appearance: it paints nothing.
type Form struct {
	// BBox is the upright extent of the stamp; its lower left corner is 0,0.
	BBox Rect
	// Matrix turns the stamp against the page's /Rotate. The zero value means
	// the identity. With a Rect as large as the turned BBox, a viewer neither
	// scales nor shears (ISO 32000-1, Section 12.5.5, Algorithm 8.1).
	Matrix Matrix
	// Content is the content stream, not compressed.
	Content []byte
	// Fonts and Images are the resources, under the names they carry.
	Fonts  []Font
	Images []Image
	// Target is the kind of file the form was made for.
	Target Target
}

// A Target says what the receiving file permits in its appearances.
type Target int

const (
	// Plain is any PDF that claims no archival profile: device colours, and
	// soft masks for transparent pictures.
	Plain Target = iota
	// PDFA is PDF/A-2 or -3 with an output intent: colours are calibrated,
	// so they fit any output intent; soft masks stay.
	PDFA
	// PDFA1 is PDF/A-1, and PDF/A-2 or -3 without an output intent: no
	// transparency, alpha becomes a 1-bit mask (ISO 19005-1, Section 6.4).
	PDFA1
)

// A Font is an embedded subset of one face, a Type0 font over a CIDFontType2
// with Identity-H (ISO 32000-1, Section 9.7). Every glyph of the subset is
// used, and CID and glyph index are the same number.
type Font struct {
	Resource  string // name in the form's /Font resources, without the slash
	BaseFont  string // PostScript name behind its subset tag: ABCDEF+Name
	File      []byte // the TrueType subset for /FontFile2, not compressed
	Widths    []int  // advance of each CID, in 1/1000 of the font size
	ToUnicode []byte // the CMap from CIDs to text, not compressed
	CIDSet    []byte // one bit for each CID; PDF/A-1 demands it of a subset

	// The rest is for the FontDescriptor, in 1/1000 of the font size.
	Flags       int
	BBox        [4]int
	ItalicAngle float64 // degrees, counter-clockwise from the vertical
	Ascent      int
	Descent     int // negative
	CapHeight   int
	StemV       int

	runes []rune // rune i has CID i+1
}

// An Image is a picture split into what PDF wants: colours, and a mask for
// what shines through. It is not changed after it was made; one may be used
// in any number of forms at once.
type Image struct {
	Resource      string // name in the form's /XObject resources
	Width, Height int    // pixels
	RGB           []byte // 8 bits for each of red, green, blue; Flate
	// Mask is nil for an opaque picture. With Stencil it has one bit a pixel,
	// 1 where nothing is painted (an explicit /Mask); without, 8 bits of alpha
	// (an /SMask). Flate.
	Mask    []byte
	Stencil bool
	Target  Target
}
