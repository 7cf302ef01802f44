package appearance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A Run is a piece of text as a content stream shows it, in the reader's
// upright view of the page (see Page): X and Y are the left end of its base
// line, Width its advance, all in points.
type Run struct {
	Text        string
	X, Y, Width float64
	FontSize    float64
}

// Limits of what is searched; a page beyond them has no anchor.
const (
	maxRuns       = 200_000
	maxAnchorText = 200 // characters of a post or a name
)

// The room for a signature's picture, in points.
const (
	minAnchorRoom = 20.0  // less height than this is no room
	maxAnchorRoom = 170.0 // 60 mm: farther up, a heading isn't the name's
	anchorWidth   = 170.0 // at least; a picture is centred in it
)

// An AnchorPart says what an anchor search did not find.
type AnchorPart string

// The parts of an anchor, in the order in which they are searched.
const (
	AnchorName AnchorPart = "name" // the signer's full name
	AnchorPost AnchorPart = "post" // TM., KT., TL., TUQ., Q. or the post above it
	AnchorRoom AnchorPart = "room" // free space between the two
	AnchorEnd  AnchorPart = "end"  // the mark ./. that closes the text
)

// An AnchorError is a page without a place for the signature. It doesn't
// repeat the name that was searched.
type AnchorError struct{ Missing AnchorPart }

func (e *AnchorError) Error() string {
	return fmt.Sprintf("no anchor for the signature on the page: %s not found", e.Missing)
}

// An Anchor is the place for a leader's signature found in a page's text.
type Anchor struct {
	// Room is the free space between post and name, centred on their axis.
	Room Rect
	// Post is the last line above the room and Name the line below, as found.
	Post, Name string
}

// FindAnchor looks for the signature block of a document (Decree 30, Annex
// I): a line that starts with TM., KT., TL., TUQ. or Q., or the post in
// capitals, and below it in the same column the signer's full name. Of
// several the lowest counts. Case of the name, Unicode form and the place of
// tone marks (hoà, hòa) don't matter. Post may be empty when the capacity is
// printed. What is missing is an *AnchorError.
func FindAnchor(runs []Run, post, name string) (Anchor, error) {
	want := foldText(name)
	if want.letters == "" || len(runs) > maxRuns || len([]rune(name)) > maxAnchorText || len([]rune(post)) > maxAnchorText {
		return Anchor{}, &AnchorError{AnchorName}
	}
	lines := textLines(runs)
	found := &AnchorError{AnchorName}
	for i := len(lines) - 1; i >= 0; i-- {
		if !lines[i].isName(want) {
			continue
		}
		heading, missing := headingAbove(lines[:i], lines[i], foldText(post))
		if missing != "" {
			if found.Missing == AnchorName || missing == AnchorRoom {
				found = &AnchorError{missing}
			}
			continue
		}
		return room(heading, lines[i]), nil
	}
	return Anchor{}, found
}

// FindEnd returns a rectangle of the given size, in points, beside the last
// line of the document's text, where an initial goes: Vietnamese documents
// close it with the mark ./. of which the lowest counts.
func FindEnd(runs []Run, width, height float64) (Rect, error) {
	if len(runs) > maxRuns {
		return Rect{}, &AnchorError{AnchorEnd}
	}
	lines := textLines(runs)
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		if text := strings.ReplaceAll(l.text, " ", ""); strings.HasSuffix(text, "./.") {
			x, mid := l.right+l.size/4, l.y+l.size*(ascender-descender)/2
			return Rect{x, mid - height/2, x + width, mid + height/2}, nil
		}
	}
	return Rect{}, &AnchorError{AnchorEnd}
}

// headingAbove walks up from the name, in its column, over the lines in
// capitals that directly precede it, until one of them is the capacity or the
// post. It returns the lowest of them: below it is the room.
func headingAbove(above []line, name line, post folded) (line, AnchorPart) {
	var lowest *line
	top := name.y + name.size*ascender
	for i := len(above) - 1; i >= 0; i-- {
		l := above[i]
		if !l.sameColumn(name) || l.isRemark() {
			continue
		}
		gap := l.y - l.size*descender - top
		if lowest == nil && gap > maxAnchorRoom {
			break
		}
		// Within a heading, lines follow at the usual leading.
		if lowest != nil && l.y-lowest.y > 2.5*math.Max(l.size, lowest.size) {
			break
		}
		if !isCapitals(l.text) {
			break
		}
		if lowest == nil {
			lowest = &above[i]
		}
		if l.isCapacity() || (post.letters != "" && foldText(l.text) == post) {
			if lowest.y-lowest.size*descender-top < minAnchorRoom {
				return line{}, AnchorRoom
			}
			return *lowest, ""
		}
	}
	return line{}, AnchorPost
}

// room is the free rectangle between the two lines.
func room(heading, name line) Anchor {
	const air = 2.0 // points between letters and picture
	mid := (heading.middle() + name.middle()) / 2
	w := math.Max(anchorWidth, math.Max(heading.right-heading.left, name.right-name.left))
	return Anchor{
		Room: Rect{mid - w/2, name.y + name.size*ascender + air, mid + w/2, heading.y - heading.size*descender - air},
		Post: heading.text, Name: name.text,
	}
}

// A line is text on one base line without a wide gap: two columns side by
// side are two lines.
type line struct {
	text        string
	left, right float64
	y, size     float64
}

func (l line) middle() float64 { return (l.left + l.right) / 2 }

// sameColumn reports whether the centre of one lies within the other, and
// their axes agree as centred lines do.
func (l line) sameColumn(m line) bool {
	far := math.Abs(l.middle() - m.middle())
	return far < math.Max(l.right-l.left, m.right-m.left)/2 && l.left < m.right && m.left < l.right
}

// isName reports whether the line is the name, alone or behind titles such as
// "PGS.TS.".
func (l line) isName(want folded) bool {
	got := foldText(l.text)
	if got == want {
		return true
	}
	dot := strings.LastIndexByte(l.text, '.')
	return dot > 0 && dot < 20 && foldText(l.text[dot+1:]) == want
}

// isCapacity reports whether the line starts with the capacity in which the
// signer acts: on behalf of, for, by order, by authorisation, acting.
func (l line) isCapacity() bool {
	text := strings.TrimSpace(norm.NFC.String(l.text))
	for _, p := range []string{"TM.", "KT.", "TL.", "TUQ.", "Q."} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// isRemark reports a hint in the free space, such as "(Ký, đóng dấu)".
func (l line) isRemark() bool {
	t := strings.TrimSpace(l.text)
	return t == "" || strings.HasPrefix(t, "(") && strings.HasSuffix(t, ")") || strings.HasPrefix(t, "[") && strings.HasSuffix(t, "]")
}

// isCapitals reports whether a text has letters and none in lower case.
func isCapitals(s string) bool {
	return strings.ContainsFunc(s, unicode.IsLetter) && !strings.ContainsFunc(s, unicode.IsLower)
}

// textLines joins runs into lines from the top of the page to the bottom.
func textLines(runs []Run) []line {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r Run) bool {
		sum := r.X + r.Y + r.Width + r.FontSize
		return strings.TrimSpace(r.Text) == "" || math.IsNaN(sum) || math.IsInf(sum, 0) || r.FontSize <= 0
	})
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(b.Y, a.Y) })
	var lines []line
	for len(runs) > 0 {
		// 1. Runs whose base lines differ by less than a third of an em.
		n := 1
		for n < len(runs) && runs[0].Y-runs[n].Y < runs[0].FontSize/3 {
			n++
		}
		row := runs[:n]
		runs = runs[n:]
		slices.SortStableFunc(row, func(a, b Run) int { return cmp.Compare(a.X, b.X) })
		// 2. Split where columns part, join with a space where words part.
		for i, r := range row {
			if i > 0 {
				last := &lines[len(lines)-1]
				gap := r.X - last.right
				if em := math.Max(last.size, r.FontSize); gap < 1.5*em {
					if gap > 0.15*em {
						last.text += " "
					}
					last.text += r.Text
					last.right = math.Max(last.right, r.X+r.Width)
					last.size = em
					continue
				}
			}
			lines = append(lines, line{text: r.Text, left: r.X, right: r.X + r.Width, y: r.Y, size: r.FontSize})
		}
	}
	return lines
}

// A folded text compares equal when people would call two texts the same:
// letters in lower case without tone marks and spaces, and the tones in their
// order. So neither the vowel that carries a tone nor the way a PDF cuts words
// into runs matters.
type folded struct{ letters, tones string }

func foldText(s string) folded {
	var letters, tones strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case r == 0x300 || r == 0x301 || r == 0x303 || r == 0x309 || r == 0x323:
			tones.WriteRune(r) // grave, acute, tilde, hook above, dot below
		case strings.ContainsRune("ÐðƉɖ", r): // look like Đ and are typed for it
			letters.WriteRune('đ')
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
		default:
			letters.WriteRune(unicode.ToLower(r))
		}
	}
	return folded{letters.String(), tones.String()}
}
