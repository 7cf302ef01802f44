package pdf

// TextRun is a piece of text as a content stream shows it.
type TextRun struct {
	Text string // as ToUnicode or the font's encoding has it, in no normal form
	// X and Y are the left end of the base line in default user space, in
	// points; DX and DY lead to its right end. Page.Rotate is not applied.
	X, Y, DX, DY float64
	FontSize     float64 // as seen: the font's size times all scaling
}

// Limits of text extraction; what lies beyond is not seen.
const (
	maxContentBytes = 32 << 20 // decoded, of a page with its forms
	maxTextRuns     = 200_000
	maxFormDepth    = 12
	maxForms        = 20_000
	maxFonts        = 2000 // loaded for a page
)

// TextRuns returns the text of a page in the order in which it is shown, also
// that of form XObjects; annotations are left out. Content that is malformed is
// read as far as it makes sense. The error is about the file, not its text.
func TextRuns(s Source, p *Page) ([]TextRun, error) {
	x := &extractor{s: s, fonts: make(map[Object]*font), budget: maxContentBytes}
	content, err := x.contents(p.Dict.Get("Contents"))
	if err != nil {
		return nil, err
	}
	g := graphics{ctm: identity, scale: 1}
	if err := x.run(content, p.Resources, g, 0); err != nil {
		return nil, err
	}
	return x.runs, nil
}

// matrix is a b c d e f as in Section 8.3.4.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// mul returns m followed by n.
func (m matrix) mul(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// graphics is the part of the graphics state that places text.
type graphics struct {
	ctm                      matrix
	font                     *font
	size                     float64
	charSpace, wordSpace     float64
	scale, leading, textRise float64 // scale is Tz / 100
}

// extractor walks content streams.
type extractor struct {
	s      Source
	fonts  map[Object]*font
	runs   []TextRun
	budget int64 // bytes of content that may still be decoded
	forms  int
	loads  int // of fonts
}

// contents joins the streams of a page's Contents.
func (x *extractor) contents(o Object) ([]byte, error) {
	list, err := listOf(o, x.s)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, o := range list {
		st, ok := o.(*Stream)
		if !ok {
			continue
		}
		b, err := x.data(st)
		if err != nil {
			return nil, err
		}
		all = append(append(all, b...), '\n')
	}
	return all, nil
}

func (x *extractor) data(st *Stream) ([]byte, error) {
	b, err := x.s.StreamData(st, x.budget)
	x.budget -= int64(len(b))
	return b, err
}
